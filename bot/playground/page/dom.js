// Building and updating the document. Text only ever enters as text nodes: nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on…` attributes take functions; null, undefined and false leave an attribute out. */
export function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) set(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") node.addEventListener(name.slice(2), value);
  else if (name === "value" || name === "checked") node[name] = value;
  else node.setAttribute(name, value === true ? "" : String(value));
}

const ICONS = {
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  down: "M6 9.5l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  send: "M4 12L20 4.5 15.5 20l-4-6.5zM11.5 13.5L20 4.5",
  reply: "M4.5 18.5V7A2.5 2.5 0 0 1 7 4.5h10A2.5 2.5 0 0 1 19.5 7v6a2.5 2.5 0 0 1-2.5 2.5H8z",
  hash: "M9.5 4L7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  home: "M4 11l8-7 8 7v8.5h-5.5V14h-5v5.5H4z",
  sun: "M12 8.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6zM12 2.8v2M12 19.2v2M2.8 12h2M19.2 12h2M5.5 5.5l1.4 1.4M17.1 17.1l1.4 1.4M18.5 5.5l-1.4 1.4M6.9 17.1l-1.4 1.4",
  moon: "M19.5 14.2A8 8 0 0 1 9.8 4.5a8 8 0 1 0 9.7 9.7z",
  half: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warn: "M12 4.5L21 19.5H3zM12 10.5v4M12 17h.01",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  file: "M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4",
  back: "M14.5 5.5L8 12l6.5 6.5",
};

/** A drawn icon; always decoration, so its neighbour carries the name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A table to look names up in that come from elsewhere: it has what is written in it, and nothing inherited. */
export const table = (entries) => Object.freeze(Object.assign(Object.create(null), entries));

const held = new WeakMap(); // node -> {key, print}

/**
 * Makes the children of `parent` be `items`, in order, keeping every node whose key and print are unchanged.
 * An item is {key, print, make(), update?(node)}. With `update`, a node whose print changed is brought up to date
 * in place. The focus stays on the control with the same `data-focus`, or else on the nearest `data-anchor`.
 */
export function reconcile(parent, items) {
  const keepFocus = rememberFocus(parent);
  const old = new Map([...parent.children].map((node) => [held.get(node)?.key, node]));
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const before = old.get(item.key);
    old.delete(item.key);
    const node = current(before, item);
    if (before && node !== before) {
      if (cursor === before) cursor = node;
      before.replaceWith(node);
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
  for (const node of old.values()) node.remove();
  keepFocus();
}

function current(node, item) {
  if (node && held.get(node).print === item.print) return node;
  if (node && item.update) item.update(node);
  else node = item.make();
  held.set(node, { key: item.key, print: item.print });
  return node;
}

function rememberFocus(parent) {
  const active = document.activeElement;
  if (!active || active === document.body || !parent.contains(active)) return () => {};
  const token = active.dataset.focus;
  const anchor = active.closest("[data-anchor]")?.dataset.anchor;
  return () => {
    if (active.isConnected) return;
    const find = (name, value) => value && parent.querySelector(`[data-${name}="${CSS.escape(value)}"]`);
    (find("focus", token) || find("anchor", anchor))?.focus({ preventScroll: true });
  };
}

/** Says `text` to screen readers without moving the focus. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
