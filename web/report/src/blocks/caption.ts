import type { Captioned } from "../document";
import { el, inline } from "../dom";

export function caption(block: Captioned, tools: HTMLElement | null): HTMLElement {
  return el("figcaption", {}, el("h3", {}, ...inline(block.title)), tools ? el("div", { class: "tools" }, tools) : null);
}

/** Nothing to show, said with what to do about it. */
export function emptyState(block: Captioned, otherwise: string): HTMLElement {
  return el("div", { class: "state" }, el("p", {}, ...inline(block.empty ?? otherwise)));
}

export function failedState(what: string, error: unknown): HTMLElement {
  return el("div", { class: "state failed", role: "alert" },
    el("p", {}, el("strong", {}, `${what} could not be drawn.`)),
    el("p", {}, error instanceof Error ? error.message : String(error)),
    el("p", {}, "The rest of the report is not touched by it."));
}
