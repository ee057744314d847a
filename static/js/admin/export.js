/**
 * Shows how far a ZIP of transcripts is while the server makes it. The answer says how many files
 * it will have; each begins in the stream with the head that ZIP gives every file.
 * Without this script the form works as any form does.
 */

const form = document.getElementById("export-form");
// Signature, version 2.0, and the first byte of flags: sizes follow the content.
const HEAD = [0x50, 0x4b, 0x03, 0x04, 0x14, 0x00, 0x08];

/** Counts heads in a stream of chunks, also where one lies across two chunks. */
export function headCounter() {
  let matched = 0;
  let count = 0;
  return (chunk) => {
    for (const byte of chunk) {
      if (byte === HEAD[matched]) {
        matched += 1;
        if (matched === HEAD.length) {
          matched = 0;
          count += 1;
        }
      } else {
        matched = byte === HEAD[0] ? 1 : 0;
      }
    }
    return count;
  };
}

/** The name in a Content-Disposition header. */
export function fileName(disposition) {
  const encoded = /filename\*=utf-8''([^;]+)/i.exec(disposition);
  if (encoded) return decodeURIComponent(encoded[1]);
  return /filename="((?:[^"\\]|\\.)*)"/.exec(disposition)?.[1].replaceAll(/\\(.)/g, "$1") ?? "transcripts.zip";
}

function save(parts, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function fetchExport(button, signal, show) {
  const response = await fetch(form.action, { method: "POST", body: new FormData(form, button), signal });
  const files = Number(response.headers.get("X-Export-Files"));
  if (!files) return false;
  const parts = [];
  const begun = headCounter();
  let bytes = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    bytes += value.length;
    show(begun(value), files, bytes);
  }
  save(parts, response.headers.get("Content-Type"), fileName(response.headers.get("Content-Disposition")));
  return true;
}

if (form) {
  const progress = document.getElementById("export-progress");
  const bar = document.getElementById("export-bar");
  const count = document.getElementById("export-count");
  const cancel = document.getElementById("export-cancel");
  let running = null;
  let asItIs = false;

  const show = (begun, files, bytes) => {
    const done = Math.max(0, begun - 1);
    bar.max = files;
    bar.value = done;
    const size = `${(bytes / 1e6).toFixed(1)} MB`;
    count.textContent = files === 1 ? size : `File ${Math.max(1, begun)} of ${files}, ${size}`;
  };

  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (asItIs || button?.name === "link") return;
    event.preventDefault();
    if (running) return;
    running = new AbortController();
    bar.removeAttribute("value");
    count.textContent = "Preparing …";
    progress.hidden = cancel.hidden = bar.hidden = false;
    try {
      if (await fetchExport(button, running.signal, show)) {
        count.textContent = "Done. Your browser has saved it among its downloads.";
      } else {
        // The answer is a page that says what to mend: let the browser show it.
        asItIs = true;
        form.requestSubmit(button);
      }
    } catch (error) {
      count.textContent = error.name === "AbortError" ? "Cancelled." : form.dataset.failed;
    }
    bar.hidden = cancel.hidden = true;
    running = null;
  });
  cancel.addEventListener("click", () => running?.abort());
}
