from pathlib import Path

import duckdb
import pytest

from storage import Store, StudioNewer
from storage.database import Database
from storage.schema import Migration, migrate, read_migrations


def columns(database: Database) -> dict[str, list[str]]:
    """The columns of every table and view."""
    found: dict[str, list[str]] = {}
    for table, column in database.read(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal "
        "ORDER BY table_name, column_index"
    ):
        found.setdefault(table, []).append(column)
    return found


@pytest.fixture
def database(tmp_path: Path):
    database = Database(tmp_path / "palate.duckdb")
    yield database
    database.close()


def test_a_fresh_studio_has_exactly_these_columns(database):
    migrate(database, read_migrations())

    votes = (
        "vote_id key base pair_id annotator verdict winner left_image response_ms "
        "supersedes created"
    )
    runs = "run_id number snapshot_id base parent settings trigger created"
    assert {table: " ".join(names) for table, names in columns(database).items()} == {
        "acts": "act_id kind key annotator after_vote",
        "activations": "activation_id base number created",
        "current_runs": f"{runs} state error",
        "control_pairs": "pair_id of_pair annotator kind created",
        "pair_selection": "vote_id policy propensity",
        "current_rankings": "ranking_id key base quad_id annotator best worst response_ms created",
        "current_people": "name folded created role access secret_kind secret secret_since seen",
        "current_annotations": "vote_key kind name value vote_id",
        "current_flags": "flag_id pair_id annotator note created decision withdrawn",
        "current_sign_ins": "token_hash name expires created",
        "current_weights": "base annotator weight reason who created",
        "current_versions": "base number parent run_id adapter summary created name note deleted",
        "current_votes": votes,
        "excluded_people": "base person reason",
        "excluded_votes": "vote_id reason",
        "exclusion_lifts": "exclusion_id who created",
        "exclusions": "exclusion_id base annotator vote_id reason who created",
        "gold_marks": "gold_mark_id base pair_id winner who created",
        "gold_pairs": "base pair_id winner who created",
        "hidden_pairs": "pair_id",
        "candidate_votes": votes.replace("supersedes ", ""),
        "trainable_votes": votes.replace("supersedes ", ""),
        "image_features": "sha256 measure features",
        "model_aliases": "alias base own created",
        "images": "image_id sha256 width height recipe recipe_key version created",
        "kept_pairs": "pair_id of_pair vote_key annotator in_a_row created",
        "taken_back_pairs": "pair_id",
        "pairs": "pair_id number prompt left_image right_image base version created",
        "people": "name folded created",
        "person_changes": "person_change_id name kind value who created",
        "project_settings": "project_setting_id name value who created",
        "prompts": "prompt_id text source created",
        "prompt_changes": "prompt_change_id prompt_id state weight replaced_by own who created",
        "current_prompts": "prompt_id text source created state weight replaced_by own",
        "sources": "source_id base name layout facts who created",
        "source_changes": "source_change_id source_id kind value who created",
        "current_sources": "source_id base name layout facts weight used counts who created",
        "source_votes": "source_id file row prompt kind images share ranks annotator strength "
        "given details digest",
        "source_images": "source_id image sha256 suffix width height file row cell",
        "quads": "quad_id prompt images base version created",
        "rankings": "ranking_id key base quad_id annotator best worst response_ms supersedes "
        "created",
        "vote_annotations": "annotation_id key vote_key kind name value created",
        "flag_decisions": "flag_decision_id flag_id decision who created",
        "flags": "flag_id key pair_id annotator note created",
        "run_states": "run_state_id run_id state error created",
        "runs": runs,
        "schema_migrations": "number name duckdb_version applied",
        "sign_ins": "token_hash name expires created",
        "sign_outs": "token_hash created",
        "labeling_session_states": "session_state_id session_id state created",
        "labeling_session_bounds": "session_id ended vote_id ranking_id",
        "labeling_sessions": "session_id annotator goal created",
        "snapshot_rankings": "snapshot_id ranking_id",
        "snapshot_votes": "snapshot_id vote_id",
        "snapshots": "snapshot_id base settle_s counts created",
        "trial_pairs": "pair_id trial_id place question before after",
        "trial_prompts": "trial_id place prompt",
        "trial_states": "trial_state_id trial_id state note created",
        "trials": "trial_id number base before after questions options created",
        "version_deletions": "base number created",
        "version_labels": "version_label_id base number kind text created",
        "withdrawals": "key act_id annotator created",
        "withdrawn_acts": "kind key",
        "versions": "base number parent run_id adapter summary created",
        "voter_weights": "voter_weight_id base annotator weight reason who created",
        "votes": votes,
    }


def test_migrations_are_numbered_without_gaps():
    migrations = read_migrations()

    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))


def test_every_migration_is_applied_once_and_recorded(database):
    first = Migration(1, "initial", "CREATE TABLE one (x INTEGER)")
    second = Migration(2, "more", "CREATE TABLE two (x INTEGER); INSERT INTO two VALUES (7)")

    for known in ([first], [first, second], [first, second]):
        migrate(database, known)

    assert database.read("SELECT x FROM two") == [(7,)]
    assert database.read(
        "SELECT number, name, duckdb_version FROM schema_migrations ORDER BY number"
    ) == [(1, "initial", duckdb.__version__), (2, "more", duckdb.__version__)]


def test_a_studio_that_saw_a_later_migration_first_takes_the_one_before_it(database):
    """Two branches may each have brought one; the versions' view survives a column more."""
    known = {migration.number: migration for migration in read_migrations()}
    between = Migration(2, "between", "ALTER TABLE versions ADD COLUMN extra VARCHAR")
    migrate(database, [known[1], known[3]])
    migrate(database, [known[1], between, known[3]])

    assert database.read("SELECT number FROM schema_migrations ORDER BY number") == [
        (1,),
        (2,),
        (3,),
    ]
    assert database.read("SELECT name FROM current_versions") == []


def test_a_migration_that_fails_leaves_nothing_and_can_be_repaired(database):
    good = Migration(1, "initial", "CREATE TABLE one (x INTEGER)")
    broken = Migration(2, "more", "CREATE TABLE two (x INTEGER); INSERT INTO nowhere VALUES (1)")
    with pytest.raises(duckdb.CatalogException, match="nowhere"):
        migrate(database, [good, broken])

    assert set(columns(database)) == {"one", "schema_migrations"}
    assert database.read("SELECT number FROM schema_migrations") == [(1,)]

    migrate(database, [good, Migration(2, "more", "CREATE TABLE two (x INTEGER)")])
    assert set(columns(database)) == {"one", "two", "schema_migrations"}


def test_a_studio_from_a_newer_palate_is_refused_and_left_alone(home):
    newest = read_migrations()[-1].number
    with Store(home) as store:
        store._database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO schema_migrations VALUES (99, 'later', 'x', '2030-01-01')"
            )
        )

    for _ in range(2):
        with pytest.raises(StudioNewer, match=f"schema 99, and this Palate knows up to {newest}"):
            Store(home)
