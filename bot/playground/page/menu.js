// A list to choose from, above everything else: selects, overflow menus, "you are ana". Arrow keys, Home, End,
// first letters, Enter and Esc work; the focus returns to where it came from.

import { h, icon } from "./dom.js";

const GAP = 4;
const FILTER_FROM = 9; // options; below that a list is read faster than it is searched

let closeOpen = () => {};

/**
 * Opens a menu at `anchor`. An option is {value, text, description?, group?, lead?: node, note?}.
 * Without `multiple`, `choose(value)` is called once; with it, `choose(values)` when the menu closes and they changed.
 */
export function openMenu({ anchor, label, options, selected = [], multiple = false, kind = "listbox", choose }) {
  closeOpen();
  const chosen = new Set(selected);
  const list = h("div", { class: "menu-list", role: kind, "aria-label": label, "aria-multiselectable": multiple });
  const filter =
    options.length >= FILTER_FROM &&
    h("input", { class: "menu-filter", type: "search", placeholder: "Filter", "aria-label": `Filter ${label}`, oninput: fill });
  const menu = h("div", { class: "menu", popover: "manual" }, filter, list);

  function fill() {
    const wanted = filter ? filter.value.trim().toLowerCase() : "";
    const shown = options.filter((option) => option.text.toLowerCase().includes(wanted));
    list.replaceChildren(...optionNodes(shown, { kind, chosen, multiple, pick }));
    if (!shown.length) list.append(h("p", { class: "menu-empty" }, "Nothing fits."));
  }

  function pick(value, node) {
    if (!multiple) {
      close();
      choose(value);
      return;
    }
    if (!chosen.delete(value)) chosen.add(value);
    node.setAttribute("aria-selected", String(chosen.has(value)));
  }

  function close() {
    if (closeOpen !== close) return;
    closeOpen = () => {};
    document.removeEventListener("pointerdown", outside, true);
    removeEventListener("scroll", place, true);
    removeEventListener("resize", place);
    menu.remove();
    if (anchor.isConnected) anchor.setAttribute("aria-expanded", "false");
    returnFocus(anchor);
    const now = [...chosen];
    if (multiple && String(now) !== String(selected)) choose(now);
  }

  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) close();
  };
  const place = () => anchor.isConnected && position(menu, anchor.getBoundingClientRect());

  fill();
  (anchor.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  place();
  menu.addEventListener("keydown", (event) => onKey(event, list, close));
  document.addEventListener("pointerdown", outside, true);
  addEventListener("scroll", place, true);
  addEventListener("resize", place);
  anchor.setAttribute("aria-expanded", "true");
  closeOpen = close;
  (filter || list.querySelector('[aria-selected="true"], [aria-checked="true"]') || list.querySelector("[role]"))?.focus();
}

function returnFocus(anchor) {
  const token = anchor.dataset.focus;
  const node = anchor.isConnected ? anchor : token && document.querySelector(`[data-focus="${CSS.escape(token)}"]`);
  node?.focus({ preventScroll: true });
}

function optionNodes(options, { kind, chosen, multiple, pick }) {
  const nodes = [];
  let group;
  for (const option of options) {
    if (option.group && option.group !== group) nodes.push(h("p", { class: "menu-group" }, option.group));
    group = option.group;
    nodes.push(optionNode(option, kind, chosen.has(option.value), multiple, pick));
  }
  return nodes;
}

function optionNode(option, kind, isChosen, multiple, pick) {
  const marks = kind === "listbox" ? { role: "option", "aria-selected": String(isChosen) } : { role: "menuitem" };
  return h(
    "button",
    { ...marks, type: "button", class: "menu-option", tabindex: "-1", "data-value": option.value, onclick: (event) => pick(option.value, event.currentTarget) },
    option.lead,
    h("span", { class: "menu-text" }, option.text, option.description && h("small", null, option.description)),
    option.note && h("span", { class: "badge" }, option.note),
    (multiple || kind === "listbox") && h("span", { class: "menu-tick" }, icon("check")),
  );
}

function onKey(event, list, close) {
  const options = [...list.querySelectorAll(".menu-option")];
  const at = options.indexOf(document.activeElement);
  const move = { ArrowDown: at + 1, ArrowUp: at < 0 ? options.length - 1 : at - 1, Home: 0, End: options.length - 1 }[event.key];
  const inFilter = event.target.matches("input");
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    close();
  } else if (move !== undefined && options.length && !(inFilter && ["Home", "End"].includes(event.key))) {
    event.preventDefault();
    options[(move + options.length) % options.length].focus();
  } else if (inFilter && event.key === "Enter") {
    event.preventDefault();
    options[0]?.click();
  } else if (!inFilter && event.key.length === 1 && event.key !== " ") {
    const letter = event.key.toLowerCase();
    const after = [...options.slice(at + 1), ...options.slice(0, at + 1)];
    after.find((option) => option.textContent.trim().toLowerCase().startsWith(letter))?.focus();
  }
}

function position(menu, anchor) {
  const below = innerHeight - anchor.bottom - 2 * GAP;
  const above = anchor.top - 2 * GAP;
  menu.style.maxHeight = "";
  const opensUp = below < Math.min(menu.scrollHeight, 280) && above > below;
  menu.style.maxHeight = `${Math.max(120, Math.min(opensUp ? above : below, 380))}px`;
  menu.style.minWidth = `${Math.min(anchor.width, innerWidth - 16)}px`;
  menu.style.left = `${Math.max(8, Math.min(anchor.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = opensUp ? `${anchor.top - GAP - menu.offsetHeight}px` : `${anchor.bottom + GAP}px`;
}
