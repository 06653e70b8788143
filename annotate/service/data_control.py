"""Data control: brings votes in, takes them out, backs up and merges, one long job at a time."""

from annotate.data_jobs.backups import Backups
from annotate.data_jobs.incoming import Incoming
from annotate.data_jobs.jobs import DataJob, DataJobs, JobPlan, Result
from annotate.data_jobs.merges import Merges
from annotate.data_jobs.outgoing import Outgoing
from annotate.data_jobs.vote_restores import VoteRestores
from storage.store import Store


class DataControl:
    """What comes in, goes out and is backed up, as pages and programs see and do it."""

    def __init__(self, store: Store, model_id: str, jobs: DataJobs) -> None:
        self.jobs = jobs
        self.incoming = Incoming(store, model_id)
        self.outgoing = Outgoing(store, model_id)
        self.backups = Backups(store)
        self.merges = Merges(store)
        self.restores = VoteRestores(store)

    def begin(self, plan: JobPlan) -> DataJob:
        """Start a job and return at once; raises DataJobBusy."""
        return self.jobs.begin(*plan)

    def run(self, plan: JobPlan) -> Result:
        """Run a job to its end and return its result, or raise its error; raises DataJobBusy."""
        return self.jobs.run(*plan)

    def close(self) -> None:
        """Stop the job under way, and remove what was sent for a preview."""
        self.jobs.close()
        self.forget()

    def forget(self) -> None:
        """Forget previews, what was sent for them, and the end of the newest job."""
        self.incoming.forget()
        self.merges.forget()
        self.jobs.forget()
