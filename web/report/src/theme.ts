// Light, dark, or what the system says; up and down in blue and orange, or in green and red. Charts on canvas
// cannot read CSS variables by themselves, so they ask here and are told of every change.

export interface Palette {
  series: string[];
  context: string;
  text: string;
  quiet: string;
  grid: string;
  line: string;
  surface: string;
  up: string;
  down: string;
}

const SERIES = ["--s1", "--s2", "--s3", "--s4", "--s5", "--s6"];
const listeners = new Set<() => void>();
let systemIsDark = false;
export let printing = false;

export type Mode = "system" | "light" | "dark";
export type UpDown = "blue-orange" | "green-red";

function stored(key: string): string | null {
  try { return localStorage.getItem(key); } catch { return null; } // file:// may forbid it
}
function store(key: string, value: string): void {
  try { localStorage.setItem(key, value); } catch { /* then it lasts as long as the page */ }
}

export let mode: Mode = (["light", "dark"].find((m) => m === stored("tapemill-mode")) as Mode) ?? "system";
export let upDown: UpDown = stored("tapemill-updown") === "green-red" ? "green-red" : "blue-orange";

export function setMode(next: Mode): void { mode = next; store("tapemill-mode", next); apply(); }
export function setUpDown(next: UpDown): void { upDown = next; store("tapemill-updown", next); apply(); }
/** Paper is white. */
export function setPrinting(on: boolean): void { printing = on; apply(); }
export function onThemeChange(listener: () => void): void { listeners.add(listener); }

function apply(): void {
  const isDark = !printing && (mode === "dark" || (mode === "system" && systemIsDark));
  document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
  document.documentElement.dataset["updown"] = upDown;
  for (const listener of listeners) listener();
}

/** Follows the system from here on. */
export function startTheme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { systemIsDark = dark.matches; apply(); };
  dark.addEventListener("change", follow);
  follow();
}

export function palette(of: Element = document.documentElement): Palette {
  const style = getComputedStyle(of);
  const get = (name: string) => style.getPropertyValue(name).trim();
  return {
    series: SERIES.map(get), context: get("--context"), text: get("--text"), quiet: get("--quiet"),
    grid: get("--grid"), line: get("--line"), surface: get("--surface"), up: get("--up"), down: get("--down"),
  };
}

/** `#rrggbb` with an alpha. */
export function alpha(hex: string, a: number): string {
  return hex + Math.round(a * 255).toString(16).padStart(2, "0");
}
