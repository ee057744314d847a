/** The plots of a session's summary. */
import { TimePlot } from "./time-plot.js";

const { audience, delays, zone: timeZone } = JSON.parse(document.getElementById("summary-data").textContent);

draw("audience-plot", audience, { steps: true, height: 260, timeZone });
draw("delays-plot", delays.filter(({ points }) => points.length), { unit: " s", height: 220, timeZone });

/** @param {string} id @param {import("./time-plot.js").Series[]} series @param {object} options */
function draw(id, series, options) {
  const place = document.getElementById(id);
  if (place) new TimePlot(place, options).update(series);
}
