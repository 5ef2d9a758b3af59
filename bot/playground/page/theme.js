// Light, dark, or as the system says.

import { changed } from "./store.js";

const ORDER = ["auto", "light", "dark"];
const KEY = "twokey-theme";

let theme = "auto";

export const currentTheme = () => theme;

/** Takes the person's last choice; a browser that keeps nothing follows the system. */
export function startTheme() {
  try {
    use(localStorage.getItem(KEY) ?? "auto");
  } catch {
    use("auto");
  }
}

export function nextTheme() {
  use(ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length]);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Kept for this visit only.
  }
  changed();
}

function use(name) {
  theme = ORDER.includes(name) ? name : "auto";
  document.documentElement.dataset.theme = theme;
}
