/** The presenters there are: how each one looks and what they wear. */

import { bob, headscarf, shortCurls, sideSwept, softCrop, waves } from "./hair.js";

/** @typedef {import("./clothes.js").BodyLook} BodyLook */
/** @typedef {import("./clothes.js").Outfit} Outfit */
/** @typedef {import("./eyes.js").BrowLook} BrowLook */
/** @typedef {import("./eyes.js").EyeLook} EyeLook */
/** @typedef {import("./hair.js").HairColours} HairColours */
/** @typedef {import("./hair.js").HairStyle} HairStyle */
/** @typedef {import("./head.js").FaceLook} FaceLook */
/** @typedef {import("./head.js").Skin} Skin */
/** @typedef {import("./mouth.js").MouthLook} MouthLook */

/**
 * @typedef {Object} Figure
 * @property {string} id
 * @property {string} name
 * @property {Skin} skin
 * @property {FaceLook} face
 * @property {EyeLook} eyes
 * @property {BrowLook} brows
 * @property {Omit<MouthLook, "shade">} mouth
 * @property {HairStyle} hair
 * @property {HairColours} hairColours
 * @property {BodyLook} body
 * @property {string} [glasses] #RRGGBB of the frame
 * @property {Record<string, Outfit & {veil?: HairColours}>} outfits by style; a veil colours the headscarf
 */

/** @type {Figure[]} */
const FIGURES = [
  {
    id: "ada",
    name: "Ada",
    skin: { light: "#ffe6d6", base: "#f3c6ab", shade: "#cf8f74", deep: "#7d3f30", blush: "#e88b7c" },
    face: { temple: 93, cheek: 93, jaw: 72, chin: 18, chinY: 134, nose: 16, noseY: 46, bridge: 0.35, age: 0, ears: false },
    eyes: { apart: 44, half: 24, high: 11.8, low: 8, tilt: 2.5, crease: 6, lashes: 1, iris: "#4f7f6a", shadow: "#b06f62" },
    brows: { colour: "#6f3a22", thick: 6, arch: 7, y: -31 },
    mouth: { halfWidth: 34, upper: 8.5, lower: 12, lip: "#cf6a68", lipDeep: "#9a3d43", shine: 0.8 },
    hair: waves,
    hairColours: { deep: "#3f160c", base: "#8a3d1f", light: "#d98a4e" },
    body: { neck: 42, shoulder: 0.86 },
    outfits: {
      casual: { top: "crew", colour: "#2f7f79", knit: true },
      formal: { top: "blouse", colour: "#f1ece4", jacket: "#26365c", necklace: "#d8b25c" },
    },
  },
  {
    id: "bruno",
    name: "Bruno",
    skin: { light: "#f6d5b8", base: "#dfae88", shade: "#b0754f", deep: "#643522", blush: "#d07d62" },
    face: {
      temple: 98, cheek: 99, jaw: 86, chin: 30, chinY: 142, nose: 20, noseY: 49, bridge: 0.8, age: 0.75,
      beard: { colour: "#4b4039", grey: "#b9b2aa", opacity: 0.5 },
    },
    eyes: { apart: 45, half: 22.5, high: 10, low: 7, tilt: 0, crease: 4.5, lashes: 0.12, iris: "#6b4a2c" },
    brows: { colour: "#4a3b32", thick: 9.5, arch: 3.5, y: -27 },
    mouth: { halfWidth: 36, upper: 6.5, lower: 9.5, lip: "#bd7364", lipDeep: "#874538", shine: 0.35 },
    hair: sideSwept,
    hairColours: { deep: "#38312d", base: "#6d645d", light: "#c9c2ba" },
    body: { neck: 56, shoulder: 1 },
    outfits: {
      casual: { top: "shirt", colour: "#7f9fc4" },
      formal: { top: "shirt", colour: "#f3f5f8", tie: "#8c2f39", jacket: "#343a46" },
    },
  },
  {
    id: "chidi",
    name: "Chidi",
    skin: { light: "#a87250", base: "#7c4c32", shade: "#4d2b1c", deep: "#250f09", blush: "#96503a" },
    face: { temple: 97, cheek: 98, jaw: 82, chin: 27, chinY: 139, nose: 25, noseY: 48, bridge: 0.3, age: 0 },
    eyes: { apart: 45, half: 23.5, high: 11.5, low: 7.5, tilt: 1, crease: 5.5, lashes: 0.25, iris: "#3d2415" },
    brows: { colour: "#170d09", thick: 8.5, arch: 4.5, y: -29 },
    mouth: { halfWidth: 37, upper: 11, lower: 14.5, lip: "#9a5a4e", lipDeep: "#54271f", shine: 0.5 },
    hair: shortCurls,
    hairColours: { deep: "#0b0807", base: "#1d1512", light: "#54423a" },
    body: { neck: 55, shoulder: 0.98 },
    glasses: "#1d1a1c",
    outfits: {
      casual: { top: "crew", colour: "#d9923b", knit: true },
      formal: { top: "turtleneck", colour: "#2a2e38", jacket: "#6f7f90", knit: true },
    },
  },
  {
    id: "mei",
    name: "Mei",
    skin: { light: "#fff0de", base: "#f4d2b0", shade: "#d29c77", deep: "#7c4a34", blush: "#ef9b8c" },
    face: { temple: 94, cheek: 95, jaw: 73, chin: 18, chinY: 132, nose: 17, noseY: 44, bridge: 0.1, age: 0, ears: false },
    eyes: { apart: 45, half: 23.5, high: 10.5, low: 6.5, tilt: 4, crease: 3.4, lashes: 0.75, iris: "#3a2317", shadow: "#c98a76" },
    brows: { colour: "#2a1d1b", thick: 6, arch: 4.5, y: -28 },
    mouth: { halfWidth: 31, upper: 8, lower: 11.5, lip: "#d4626a", lipDeep: "#9c3645", shine: 0.85 },
    hair: bob,
    hairColours: { deep: "#08070b", base: "#1f1b24", light: "#6c6a86" },
    body: { neck: 40, shoulder: 0.83 },
    outfits: {
      casual: { top: "vneck", colour: "#c9506a", necklace: "#e3c27a" },
      formal: { top: "blouse", colour: "#dfe6ee", jacket: "#1f2b2f" },
    },
  },
  {
    id: "noor",
    name: "Noor",
    skin: { light: "#f0c9a2", base: "#d3a077", shade: "#a26a48", deep: "#572b1b", blush: "#cc7560" },
    face: { temple: 93, cheek: 93, jaw: 73, chin: 18, chinY: 134, nose: 17.5, noseY: 47, bridge: 0.5, age: 0, ears: false },
    eyes: { apart: 44, half: 25, high: 11.8, low: 8, tilt: 2.5, crease: 6, lashes: 1, iris: "#5a3a1e", shadow: "#8d5a45" },
    brows: { colour: "#2c1a12", thick: 7.5, arch: 6.5, y: -31 },
    mouth: { halfWidth: 33.5, upper: 9, lower: 12.5, lip: "#b9605a", lipDeep: "#7d3334", shine: 0.7 },
    hair: headscarf,
    hairColours: { deep: "#22465a", base: "#4f8296", light: "#a5cbd4" },
    body: { neck: 42, shoulder: 0.86 },
    outfits: {
      casual: { top: "crew", colour: "#e9dfd0", scarf: "#4f8296", cardigan: "#b98a62" },
      formal: { top: "crew", colour: "#ece8ea", scarf: "#7a3d57", jacket: "#2b2733", veil: { deep: "#3d1829", base: "#7a3d57", light: "#c98fa8" } },
    },
  },
  {
    id: "greta",
    name: "Greta",
    skin: { light: "#ffe9dc", base: "#f0c9b4", shade: "#c99883", deep: "#7c4b40", blush: "#e49486" },
    face: { temple: 94, cheek: 94, jaw: 77, chin: 21, chinY: 135, nose: 18, noseY: 48, bridge: 0.5, age: 0.9, ears: true, earring: "#c9ced6" },
    eyes: { apart: 44, half: 22.5, high: 10.5, low: 7, tilt: 0, crease: 5, lashes: 0.5, iris: "#5d86a8" },
    brows: { colour: "#8f8580", thick: 5.5, arch: 5.5, y: -31 },
    mouth: { halfWidth: 33, upper: 6.5, lower: 9.5, lip: "#c66a6c", lipDeep: "#934248", shine: 0.55 },
    hair: softCrop,
    hairColours: { deep: "#7d7f88", base: "#c3c5cc", light: "#f4f5f8" },
    body: { neck: 43, shoulder: 0.87 },
    glasses: "#6a2f3d",
    outfits: {
      casual: { top: "turtleneck", colour: "#6b5a8e", knit: true },
      formal: { top: "blouse", colour: "#cfd9e6", jacket: "#5b2338", necklace: "#d5d9df" },
    },
  },
];

/** @type {{id: string, name: string, styles: string[]}[]} what a catalogue offers */
export const CHARACTERS = FIGURES.map(({ id, name, outfits }) => ({ id, name, styles: Object.keys(outfits) }));

/** @param {string} id @returns {Figure} the first figure for an unknown id: a listener must see somebody */
export function figureOf(id) {
  return FIGURES.find((figure) => figure.id === id) ?? FIGURES[0];
}
