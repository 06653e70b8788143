// Types of what the server and the scripts send each other. Only the type checker reads this file.
// Written by `python docs/generate.py` from annotate/views/ and annotate/web/payloads.py.

/** Active learning of the next pair. */
export interface ActiveLearningView {
  /** Why pairs come in their order instead. */
  problem: string | null;
}

/** Present activity of sampler, pair pool, runs and database. */
export interface ActivityView {
  /** The most urgent of it in a sentence. */
  message: string;
  /** Name of the open model. */
  model: string;
  /** The version that the newest run made; null before the first. */
  newest_version: string | null;
  sampler: SamplerView;
  pool: PoolView;
  run: CurrentRun | null;
  /** Why the runs cannot be followed, or none starts by itself that is due, as a sentence. */
  problem: string | null;
  choosing: ActiveLearningView;
  database: DatabaseView;
}

/** A strength, a reason or a criterion, added to a vote. */
export interface AnnotationEvent {
  kind: string;
  key: string;
  annotator: string;
  /** The kind of annotation. */
  remark: string;
  name: string;
  value: string;
  /** The key of the vote. */
  of: string;
}

/** Pairs of the prompts that an annotator asked for, as they are rendered. */
export interface AskedItems<AnyItemView extends PairView | QuadView> {
  items: AnyItemView[];
  coming: number;
}

/** A prompt whose pairs come next for the one who asked. */
export interface AskedPrompt {
  prompt: string;
  /** Pairs, or sets of four, that are on their way. */
  coming: number;
  /** Seconds until images are rendered again, while a run has the device; null otherwise. */
  wait_s: number | null;
}

/** A request for more pairs of a prompt, or for what was rendered of those asked for. */
export interface AskedPromptRequest {
  trial?: unknown;
  /** more, queue or arrived. */
  action: string;
  annotator: string;
  /** The pair, or set of four, whose prompt should come again. */
  pair_id?: string;
  /** A prompt that was typed. */
  prompt?: string;
  /** True asks for a set of four images. */
  four?: unknown;
}

/** A blind test without who leads, which would sway its voters. */
export interface BlindTestProgress {
  trial: string;
  before: string;
  after: string;
  state: string;
  votes: number;
  votes_needed: [number, number] | null;
  problem: string | null;
  note: string | null;
  /** There is an outcome. */
  settled: boolean;
}

/** The board of the Compare tab, as its script takes it. */
export interface BoardView {
  prompts: string[];
  /** Seeds, or places among the best of n; each prompt has a row for each of them. */
  seeds: number[];
  /** The seeds as typed, for a link to this comparison. */
  seeds_text: string;
  columns: string[];
  /** What is shown of each column: it has the names that people gave the versions. */
  labels: string[];
  /** What the numbers of the rows are: seed, or place. */
  row: string;
  /** URL of each image by row and column; null until it is rendered. */
  cells: ((string | null)[])[];
  status: string;
  /** calm, or problem after an error. */
  tone: string;
  busy: boolean;
}

/** A button of the card of a change. */
export interface ChangeAct {
  run: string;
  /** use, keep, train_on or stronger. */
  action: string;
}

/** What a button of the card has done. */
export interface ChangeAnswer {
  told: string;
}

/** What is new about the newest run, for a page that asks every few seconds. */
export interface ChangeNews {
  /** The run's key; empty where there is no card, or the page has it already. */
  key: string;
  /** Tells this card from others, to be sent with the next question; empty without a card. */
  shown: string;
  /** The card; null where there is none, or the page has it already. */
  html: string | null;
  /** A few words for the title of the browser's tab. */
  title: string;
  /** A sentence or two for a notification. */
  words: string;
  /** Why the newest run failed, in a sentence; empty where it did not. */
  failed: string;
}

/** A question for the newest change. */
export interface ChangeRequest {
  /** What tells the card that the page has from others; empty for none. */
  shown: string;
}

/** A request to give one's own vote another verdict. */
export interface ChangeVoteRequest {
  annotator: string;
  vote_key: string;
  /** Empty to take the vote back. */
  verdict: string;
  key: string;
}

/** A vote that was changed or taken back. */
export interface ChangedVote {
  /** True always; what cannot be recorded is an error. */
  accepted: boolean;
  key: string;
  /** What counts now; empty where the vote was taken back. */
  verdict: string;
  /** Whether the pair is asked again, as the next one. */
  opens: boolean;
}

/** Progress of the run under way. */
export interface CurrentRun {
  /** queued, running, paused, done, failed, cancelled or interrupted. A run is paused while the device that it needs renders images; it goes on by itself. */
  state: string;
  /** From 0 to 1. */
  progress: number;
  /** Seconds left; null where they cannot be estimated. */
  eta_s: number | null;
  /** The version that it made. */
  version: string | null;
  /** Why it failed or was interrupted, in a sentence. */
  error: string | null;
  /** A sentence on votes that it does not learn from, where images of them are lost. */
  left_out?: string;
  /** Somebody asked it to stop; it does so after its present step. */
  cancelling?: boolean;
  /** A sentence on a trainer that has stopped answering. */
  trouble?: string;
  run_id: string;
  /** Seconds until it lets images be rendered; null where they are rendered meanwhile. */
  next_images_s: number | null;
}

/** The section Data in Settings, as the page shows it: HTML by the name of its place. */
export interface DataHtml {
  regions: Record<string, string>;
  job: DataJobView | null;
  /** What came of a change, as a sentence; empty for none. */
  message: string;
}

/** The newest long job on votes and files; its end is kept until the next one begins. */
export interface DataJobView {
  /** What it does: preview, import, remove, export, backup, merge_preview, merge or restore_votes. */
  kind: string;
  title: string;
  state: "running" | "stopping" | "done" | "stopped" | "failed";
  done: number;
  /** What `done` counts up to; 0 while that is not known. */
  of: number;
  /** Since it began, or that it took. */
  seconds: number;
  /** Null where that is not known. */
  seconds_left: number | null;
  /** Why it was stopped or failed, in a sentence; empty otherwise. */
  message: string;
  /** What a job that is done came to; null before. */
  result: Record<string, unknown> | null;
}

/** What the section Data in Settings does: look, or an action with what it needs. */
export interface DataRequest {
  action: string;
  value?: Record<string, unknown>;
  /** Who does it, where people sign in. */
  annotator?: string;
}

/** State of the studio's database. */
export interface DatabaseView {
  /** Damage that was found when it was opened, and how it was repaired. */
  recovered: string[];
  problem: string | null;
}

/** A flag on a pair, which hides it. */
export interface FlagEvent {
  kind: string;
  key: string;
  annotator: string;
  pair_id: string;
  note: string;
}

/** Pairs or quads besides those that a page has, the open one first. */
export interface ItemsAhead<AnyItemView extends PairView | QuadView> {
  /** Seconds until it is worth asking again; null where nothing need be waited for. */
  wait_s: number | null;
  reason: string | null;
  /** How far the images are, where somebody waits for slow ones. */
  rendering?: RenderingView;
  pairs: AnyItemView[];
  /** Ids that the page sent and may drop. */
  passed_over: string[];
}

/** Counts of current votes, rankings among them. */
export interface LabelingStats {
  /** Votes of everybody. */
  votes: number;
  /** Choices until the next run starts by itself; null where none does, or it is secret. */
  until_next_run: number | null;
  decisive: number;
  /** Among them both good and both bad. */
  ties: number;
  skipped: number;
  counts: VoteCounts;
  /** Pairs that wait; null while a blind test is mixed in, whose pairs it would give away. */
  ready_pairs: number | null;
  /** Pairs that the device renders in an hour: measured, or expected before the first ones; null where nobody can tell, and while a blind test is mixed in. */
  pairs_per_hour: number | null;
  /** The same in a sentence; empty where it is null. */
  rendering_speed: string;
}

/** An answer on a run that is due and takes long. */
export interface LongRunAnswer {
  annotator: string;
  /** now, tonight or not_yet. */
  answer: string;
}

/** A current ranking of four images. */
export interface OwnRankingView {
  prompt: string;
  urls: string[];
  /** The place of the best one, from 0; null where it was skipped, as `worst`. */
  best: number | null;
  worst: number | null;
  /** When it was given, as ISO 8601 in UTC. */
  at: string;
}

/** A current vote on a pair; nothing tells pairs that come again, or of an open blind test, apart. */
export interface OwnVoteView {
  pair_id: string;
  prompt: string;
  /** Address relative to the server's root, as every other one. */
  left_url: string;
  right_url: string;
  /** What a blind test asks about the pair, where that is not which image is better. */
  question?: string;
  /** How often in a row the annotator's winner has been kept; missing for any other pair. */
  in_a_row?: number;
  vote_key: string;
  verdict: string;
  /** Whether the choice was clear. */
  strong: boolean;
  reasons: string[];
  /** What won by each criterion: left, right or tie. */
  criteria: Record<string, string>;
  /** When it was given, as ISO 8601 in UTC. */
  at: string;
  /** Whether its blind test has ended, so that it cannot be changed. */
  fixed: boolean;
}

/** A part of an annotator's votes, newest first. */
export interface OwnVotesList {
  votes: OwnVoteView[];
  /** Four images at a time, which are asked for as the verdict `four`; empty otherwise. */
  rankings: OwnRankingView[];
  /** How many there are that the filter leaves. */
  total: number;
  /** What to ask for to get older ones; 0 where there are none. */
  before: number;
}

/** Insights into a person's own votes, as the page shows them. */
export interface OwnVotesPage {
  html: string;
  /** Whether images are still being measured, so that it is worth asking again. */
  more: boolean;
}

/** A request for an annotator's own votes. */
export interface OwnVotesRequest {
  annotator: string;
  /** The `before` of the answer before; 0 for the newest. */
  before: number;
  verdict: string;
  prompt: string;
}

/** Two images of one prompt, to vote on. */
export interface PairView {
  pair_id: string;
  prompt: string;
  /** Address relative to the server's root, as every other one. */
  left_url: string;
  right_url: string;
  /** What a blind test asks about the pair, where that is not which image is better. */
  question?: string;
  /** How often in a row the annotator's winner has been kept; missing for any other pair. */
  in_a_row?: number;
}

/** A request for pairs to label, or for sets of four images. */
export interface PairsRequest {
  trial?: unknown;
  /** Ids of the pairs that the page holds. */
  have: string[];
  want: number;
  annotator: string;
  /** True asks for sets of four images. */
  four?: unknown;
  /** Whether the annotator keeps winners. */
  keep?: unknown;
}

/** Pairs that wait for annotators. */
export interface PoolView {
  ready: number;
  /** How many are rendered ahead. */
  target: number;
  /** Why the newest request failed. */
  problem: string | null;
}

/** Questions that everybody is asked besides the vote, and how many people see each pair. */
export interface ProjectOptions {
  /** Reasons why an image lost that annotators may choose from. */
  reasons: string[];
  /** Criteria by which annotators may compare the images. */
  criteria: string[];
  /** How many people are asked about each pair. */
  overlap: number;
  /** What the project is for, as everybody reads it who labels; empty if nobody has said it. */
  purpose: string;
}

/** The list of prompts in Settings, as the page shows it. */
export interface PromptsHtml {
  rows: string;
  options: string;
  in_use: number;
  removed: number;
  page: number;
  /** What came of a change, as a sentence; empty for none. */
  message: string;
}

/** What the list of prompts asks for: a page of it, after a change of some. */
export interface PromptsRequest {
  search?: string;
  page?: number;
  /** Whether removed prompts are listed. */
  removed?: boolean;
  /** Who changes some, where people sign in. */
  annotator?: string;
  /** An `action` (add, remove, restore, weight, edit, list or labelers), the numbers of `prompts`, and a `value`. */
  change?: Record<string, unknown> | null;
}

/** Activity as labelers may know it: no model, version or run. */
export interface PublicActivity {
  /** The most urgent of it in a sentence. */
  message: string;
}

/** Four images of one prompt, to rank. */
export interface QuadView {
  /** Id of the four images, under the name that a pair's has. */
  pair_id: string;
  prompt: string;
  urls: string[];
}

/** The best and the worst of four images, each by its place from 0 to 3. */
export interface RankingEvent {
  kind: string;
  key: string;
  annotator: string;
  /** The id of the set of four. */
  pair_id: string;
  best?: unknown;
  worst?: unknown;
  response_ms?: unknown;
}

/** Images that are rendered just now, where each takes seconds. */
export interface RenderingView {
  /** Which image is at which step, and about how long it still takes. */
  message: string;
  /** Small images of what they are so far, as data URLs; empty in blind tests. */
  previews: string[];
}

/** What the page says about runs and versions without being asked. */
export interface RunNotice {
  /** Empty where there is nothing to say. */
  html: string;
  /** Names the version that became active by itself last, so that it is told once; or "". */
  told: string;
}

/** State of the image model. */
export interface SamplerView {
  /** starting, loading, ready, stopped or failed. */
  state: string;
  /** The state as a sentence. */
  detail: string;
  /** Type of the device: cpu, cuda, mps, ... */
  device: string;
  /** Card, memory, number format and attention in a line; empty until the model is ready. */
  device_summary: string;
  /** What a person can do while the model has failed. */
  advice: string | null;
}

/** The goal of a session that begins. */
export interface SessionGoal {
  goal: number;
}

/** A labeling session under way. */
export interface SessionProgress {
  /** Votes that the annotator wants to give. */
  goal: number;
  given: number;
  /** open, paused or ended. */
  state: string;
}

/** A request to change or sum up a labeling session. */
export interface SessionRequest {
  annotator: string;
  action: string;
}

/** Summary of a labeling session. */
export interface SessionSummary {
  goal: number;
  given: number;
  /** Votes by verdict, the most frequent first; rankings count as one kind. */
  kinds: Record<string, number>;
  /** Share of left among left and right. */
  left_share: number | null;
  /** Time at work, without breaks. */
  minutes: number;
  per_minute: number | null;
  median_ms: number | null;
  /** Repeats that got the same answer. */
  same_twice: number;
  asked_twice: number;
  /** What is chosen more often, in words. */
  liked: string[];
}

/** Answer to an event of the stage: its key, and the counts after it. */
export interface StageReply {
  /** Votes of everybody. */
  votes: number;
  /** Choices until the next run starts by itself; null where none does, or it is secret. */
  until_next_run: number | null;
  key: string;
}

/** The image model after it was tried again. */
export interface StageSampler {
  sampler: SamplerView;
}

/** A labeling session after it was begun, paused, resumed, ended or summed up. */
export interface StageSession {
  /** The one under way. */
  session: SessionProgress | null;
  /** Of the newest session; missing where one was begun just now. */
  summary?: SessionSummary | null;
}

/** State that the stage shows besides the pair; it asks every few seconds. */
export interface StageStatus {
  stats: LabelingStats;
  activity: ActivityView | PublicActivity;
  /** Choices between two automatic runs; 0 for none. */
  train_every: number;
  /** The blind test that this page labels alone. */
  trial: BlindTestProgress | null;
  project: ProjectOptions;
  session: SessionProgress | null;
  /** Whether the annotator may type a prompt that is to come next. */
  may_add_prompts: boolean;
}

/** A request for what the stage shows beside a pair. */
export interface StatusRequest {
  trial?: unknown;
  annotator: string;
}

/** An act that was taken back. */
export interface TakenBack {
  /** vote, ranking, report (a flag), or an annotation's kind: strength, reason or criterion. */
  kind: string;
  key: string;
  /** The name of a reason or a criterion. */
  name?: string;
  /** The key of the vote that an annotation was about. */
  of?: string;
}

/** Takes back the annotator's newest act. */
export interface UndoEvent {
  kind: string;
  key: string;
  annotator: string;
}

/** Answer to an undo on the stage. */
export interface UndoReply {
  undone: TakenBack;
  /** Whether the pair, or the four images, may be voted on again. */
  opens: boolean;
  /** What was taken back and what stays, as a sentence. */
  note: string;
  pair: PairView | QuadView;
  /** Votes of everybody. */
  votes: number;
  /** Choices until the next run starts by itself; null where none does, or it is secret. */
  until_next_run: number | null;
  key: string;
}

/** Votes of everybody on this model's pairs, by what a run makes of them. */
export interface VoteCounts {
  /** Left, right and rankings, which runs learn from. */
  choices: number;
  ties: number;
  skipped: number;
  /** Votes on pairs that come again, or have a known answer, to see how sure votes are; null while a blind test is mixed in, and then counted with the others. */
  again: number | null;
  sentence: string;
}

/** A verdict on a pair. */
export interface VoteEvent {
  kind: string;
  key: string;
  annotator: string;
  pair_id: string;
  verdict: string;
  response_ms?: unknown;
  /** True to see the better image again, beside a new one. */
  keep?: unknown;
}

/** Answer to a vote on the stage. */
export interface VoteReply {
  /** Votes of everybody. */
  votes: number;
  /** Choices until the next run starts by itself; null where none does, or it is secret. */
  until_next_run: number | null;
  key: string;
  /** A sentence, if a pause would help now. */
  pace_hint: string | null;
  /** The next pair, in which a winner was kept, if it is ready. */
  next?: PairView;
}
