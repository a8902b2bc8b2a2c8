import { palette } from "../theme";

function download(blob: Blob, name: string): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(blob);
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

export function fileName(title: string, extension: string): string {
  const stem = title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "tapemill";
  return `${stem}.${extension}`;
}

export function saveText(text: string, title: string, extension: "csv" | "svg"): void {
  const type = extension === "csv" ? "text/csv;charset=utf-8" : "image/svg+xml";
  download(new Blob([text], { type }), fileName(title, extension));
}

export async function savePng(svg: string, title: string): Promise<void> {
  download(await pngOf(svg), fileName(title, "png"));
}

/** The picture at twice its size. */
export function pngOf(svg: string): Promise<Blob> {
  return new Promise((done, fail) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.width * 2;
      canvas.height = image.height * 2;
      const context = canvas.getContext("2d")!;
      context.fillStyle = palette().surface;
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The browser made no PNG."))), "image/png");
    };
    image.onerror = () => fail(new Error("The browser cannot draw this picture."));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  });
}
