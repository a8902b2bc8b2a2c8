import "./style/base.css";
import "./style/blocks.css";
import "./style/print.css";
import "uplot/dist/uPlot.min.css";
import { readDocument } from "./document";
import { renderFailure, renderPage } from "./page";
import { setPrinting, startTheme } from "./theme";

startTheme();
const root = document.getElementById("report")!;
try {
  const doc = readDocument();
  root.replaceChildren();
  renderPage(doc, root);
} catch (e) {
  renderFailure(root, e);
}
root.removeAttribute("aria-busy");
addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));
// A link to a section can only be followed once the section is there.
if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
