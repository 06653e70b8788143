// Types of what crosses the page's scripts. Only the type checker reads this file.

/** What Gradio hands to the script of a gr.HTML component. */
export interface Component<Server = unknown, Value = unknown> {
  element: HTMLElement;
  /** Send an event of the component to the server. */
  trigger(event: string, data?: object): void;
  props: { value: Value };
  server: Server;
  /** Call back after the server has changed a property. */
  watch(property: string, callback: () => void): void;
}

/** A server function never rejects: without a server it resolves to undefined. */
export type Call<Request, Answer> = (request: Request) => Promise<Reply<Answer>>;
export type Reply<Answer> = ({ ok: true } & Answer) | Refusal | undefined;
export interface Refusal {
  ok: false;
  error: string;
  /** False where sending the same again would be refused again. */
  retry?: boolean;
}

export type Verdict = "left" | "right" | "tie" | "both_good" | "both_bad" | "skip";

export interface Pair {
  pair_id: string;
  prompt: string;
  question?: string;
  left_url: string;
  right_url: string;
  urls?: undefined;
}

/** Four images, of which the best and the worst are chosen. */
export interface Quad {
  pair_id: string;
  prompt: string;
  question?: string;
  urls: string[];
}

/** A pair or quad whose images are loaded, or on their way. */
export interface Item {
  pair: Pair | Quad;
  images: HTMLImageElement[] | null;
  /** True once an image could not be loaded. */
  broken: boolean;
  loaded: Promise<void>;
}

interface EventBase {
  /** Makes repeats safe: the server records a key once. */
  key: string;
  annotator: string;
  /** Milliseconds since 1970; later events of a page have later times. */
  at?: number;
  /** The event's number in the browser's database. */
  order?: number;
  /** The key of the event that this one is about. */
  of?: string;
}
interface OnImages extends EventBase {
  pair_id: string;
  pair: Pair | Quad;
  /** Time from the painted images to the key; null where they were not painted yet. */
  response_ms: number | null;
}
export interface VoteEvent extends OnImages { kind: "vote"; verdict: Verdict }
export interface RankingEvent extends OnImages { kind: "ranking"; best: number | null; worst: number | null }
export interface FlagEvent extends OnImages { kind: "report"; note: string }
export interface RemarkEvent extends EventBase, Remark { kind: "remark" }
export interface UndoEvent extends EventBase { kind: "undo"; of: string; opened?: string }
export type ItemEvent = VoteEvent | RankingEvent | FlagEvent;
export type StageEvent = ItemEvent | RemarkEvent | UndoEvent;

/** What a verdict, ranking or flag adds to the images it is about. */
export type Act =
  | { kind: "vote"; verdict: Verdict }
  | { kind: "ranking"; best: number | null; worst: number | null }
  | { kind: "report"; note: string };

/** An annotation of the vote whose key is `of`. */
export interface Remark {
  of: string;
  remark: "strength" | "reason" | "criterion";
  name: string;
  value: string;
}

/** One thing that can be undone. */
export interface HistoryEntry {
  key: string;
  kind: "vote" | "ranking" | "report" | Remark["remark"];
  item?: Item;
  of?: string;
  name?: string;
  /** The criteria that are still to be asked. */
  asked?: string[];
}

/** What the parts of the stage share. */
export interface StageState {
  annotator: string;
  /** The blind test that is voted in; empty for labeling. */
  trial: string;
  /** Whether four images at a time are asked for. */
  four: boolean;
  /** Events of this page that the server has confirmed. */
  acked: number;
  /** The images that are shown. */
  current: Item | null;
  /** Of four images the one that was chosen as the best. */
  best: number | null;
  /** The criterion that is asked about the vote `key`, and those after it. */
  asking: { key: string; name: string; rest: string[] } | null;
  history: HistoryEntry[];
  stats: Stats | null;
  /** Decisive votes between two fine-tunes; 0 for never. */
  every: number;
  /** The key of an undo that only the server can answer. */
  pendingUndo: string | null;
  criteria: string[];
  model: SamplerState | null;
}

export interface SentReply {
  key: string;
  votes: number | null;
  until_next_run: number | null;
  pace_hint?: string | null;
}
export interface UndoneReply extends SentReply {
  undone: { key: string; kind: HistoryEntry["kind"]; of?: string; name?: string };
  opens: boolean;
  note: string;
  pair: Pair | Quad;
}

export interface PairsRequest {
  annotator: string;
  trial: string;
  four: boolean;
  /** Ids of the pairs that the page has. */
  have: string[];
  want: number;
}
export interface PairsReply {
  pairs: (Pair | Quad)[];
  passed_over?: string[];
  reason: string | null;
  wait_s: number | null;
}

export interface Session {
  goal: number;
  given: number;
  state: "open" | "paused" | "ended";
}
export interface SessionSummary {
  goal: number;
  given: number;
  kinds: Record<string, number>;
  left_share: number | null;
  minutes: number;
  per_minute: number | null;
  median_ms: number | null;
  asked_twice: number;
  same_twice: number;
  liked: string[];
}
export interface SessionRequest {
  annotator: string;
  action: string;
  goal?: number;
}
export interface SessionReply {
  session: Session | null;
  summary?: SessionSummary;
}

/** How far a blind test has come, without who leads. */
export interface BlindTestProgress {
  trial?: string;
  before?: string;
  after?: string;
  state?: string;
  votes?: number;
  votes_needed?: [number, number] | null;
  settled?: boolean;
  problem?: string | null;
  note?: string | null;
}

export interface Stats {
  votes: number | null;
  decisive: number | null;
  until_next_run: number | null;
}
export interface SamplerState {
  state: string;
  detail: string;
  advice: string | null;
}
export interface StatusReply {
  stats: Stats;
  activity: { message: string; sampler?: SamplerState };
  train_every: number;
  trial: BlindTestProgress | null;
  project: { reasons: string[]; criteria: string[] };
  session: Session | null;
}

export interface StageServer {
  stage_pairs: Call<PairsRequest, PairsReply>;
  stage_send: Call<object, SentReply>;
  stage_status: Call<{ annotator: string; trial: string }, StatusReply>;
  stage_session: Call<SessionRequest, SessionReply>;
  /** On the page of admins alone. */
  stage_retry_model?: Call<object, { sampler: SamplerState }>;
}

/** The person who is signed in. */
export interface Person {
  name: string;
  /** False behind a proxy that signs people in, which keeps their passwords. */
  account: boolean;
}

/** The value of the Compare tab's board, as the server renders it. */
export interface BoardData {
  prompts: string[];
  seeds: number[];
  columns: string[];
  /** What the rows count; "seed" if absent. */
  row?: string;
  /** By row and column, the URL of an image that is rendered. */
  cells: (string | null)[][];
  seeds_text?: string;
  status?: string;
  tone?: string;
  busy?: boolean;
}
export type Mode = "side" | "slider" | "flicker" | "difference" | "grid";

declare global {
  interface Window {
    /** What Gradio writes into the page that it serves. */
    gradio_config?: { root?: string };
  }
}
