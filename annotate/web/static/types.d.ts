// Types of what crosses the page's scripts. Only the type checker reads this file.
// What the server and the scripts send each other stands in server.d.ts.

import type * as server from "./server";

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

export interface StageServer {
  stage_pairs: Call<server.PairsRequest, server.ItemsAhead<Pair | Quad>>;
  stage_send: Call<EventPayload, SentReply>;
  stage_status: Call<server.StatusRequest, server.StageStatus>;
  stage_prompts: Call<server.AskedPromptRequest, server.AskedPrompt | server.AskedItems<Pair | Quad>>;
  stage_session: Call<server.SessionRequest & Partial<server.SessionGoal>, server.StageSession>;
  /** On the page of admins alone. */
  stage_retry_model?: Call<object, server.StageSampler>;
}

export type Verdict = "left" | "right" | "tie" | "both_good" | "both_bad" | "skip";

/** Two images of one prompt. */
export interface Pair extends server.PairView {
  urls?: undefined;
}
/** Four images, of which the best and the worst are chosen. */
export interface Quad extends server.QuadView {
  question?: undefined;
  in_a_row?: undefined;
}

/** A pair or quad whose images are loaded, or on their way. */
export interface Item {
  pair: Pair | Quad;
  images: HTMLImageElement[] | null;
  /** True once an image could not be loaded. */
  broken: boolean;
  loaded: Promise<void>;
}

/** What the browser notes of an event for itself. */
export interface Noted {
  /** Milliseconds since 1970; later events of a page have later times. */
  at?: number;
  /** The event's number in the browser's database. */
  order?: number;
}
interface OnImages extends Noted {
  pair: Pair | Quad;
  /** Time from the painted images to the key; null where they were not painted yet. */
  response_ms: number | null;
  of?: undefined;
}
export interface VoteEvent extends OnImages, server.VoteEvent {
  kind: "vote";
  verdict: Verdict;
  response_ms: number | null;
  keep?: boolean;
}
export interface RankingEvent extends OnImages, server.RankingEvent {
  kind: "ranking";
  best: number | null;
  worst: number | null;
  response_ms: number | null;
}
export interface FlagEvent extends OnImages, server.FlagEvent {
  kind: "report";
}
export interface RemarkEvent extends Noted, server.AnnotationEvent {
  kind: "remark";
  remark: Remark["remark"];
}
export interface UndoEvent extends Noted, server.UndoEvent {
  kind: "undo";
  /** The key of the event that this page expects to be undone; empty where it knows none. */
  of: string;
  /** The pair that was shown again at once. */
  opened?: string;
}
export type ItemEvent = VoteEvent | RankingEvent | FlagEvent;
export type StageEvent = ItemEvent | RemarkEvent | UndoEvent;
/** An event as the server gets it. */
export type EventPayload =
  | server.VoteEvent
  | server.RankingEvent
  | server.FlagEvent
  | server.AnnotationEvent
  | server.UndoEvent;

/** What a verdict, ranking or flag adds to the images it is about. */
export type Act =
  | Pick<VoteEvent, "kind" | "verdict" | "keep">
  | Pick<RankingEvent, "kind" | "best" | "worst">
  | Pick<FlagEvent, "kind" | "note">;

/** An annotation of the vote whose key is `of`. */
export interface Remark {
  of: string;
  remark: "strength" | "reason" | "criterion";
  name: string;
  value: string;
}

/** Answers to a vote and to an undo have more than the others. */
export type SentReply = server.StageReply & Partial<Omit<server.VoteReply & server.UndoReply, keyof server.StageReply>>;

/** One thing that can be undone. */
export interface HistoryEntry {
  key: string;
  kind: ItemEvent["kind"] | Remark["remark"];
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
  /** Whether winners stay, each beside a new image. */
  keep: boolean;
  /** The key of the vote whose winner is to be shown again. */
  awaited: string | null;
  /** Events of this page that the server has confirmed. */
  acked: number;
  /** The images that are shown. */
  current: Item | null;
  /** Of four images the one that was chosen as the best. */
  best: number | null;
  /** The criterion that is asked about the vote `key`, and those after it. */
  asking: { key: string; name: string; rest: string[] } | null;
  history: HistoryEntry[];
  stats: server.LabelingStats | null;
  /** Choices between two fine-tunes; 0 for never. */
  every: number;
  /** The key of an undo that only the server can answer. */
  pendingUndo: string | null;
  criteria: string[];
  model: server.SamplerView | null;
  /** The run under way, the newest version and the one seen last; all null where nobody is told. */
  tuning: Pick<import("./stage/steps").Situation, "run" | "newest" | "seen">;
}

/** The person who is signed in. */
export interface Person {
  name: string;
  /** False behind a proxy that signs people in, which keeps their passwords. */
  account: boolean;
}

/** A board as a saved page keeps it. Rows count seeds, unless `row` says otherwise. */
export type BoardData = Pick<server.BoardView, "prompts" | "seeds" | "columns" | "cells"> & Partial<server.BoardView>;
export type Mode = "side" | "slider" | "flicker" | "difference" | "grid";

declare global {
  interface Window {
    /** What Gradio writes into the page that it serves. */
    gradio_config?: { root?: string };
  }
}
