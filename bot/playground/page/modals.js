// The window that an app opens: the top of the viewer's stack of views.

import { failureOf, viewSurface } from "./actions.js";
import { closeView, refetch, sentenceFor, submitView } from "./api.js";
import { blockItems } from "./blocks.js";
import { h, icon, reconcile } from "./dom.js";
import { plainText } from "./mrkdwn.js";
import { initialOf, isMultiple } from "./options.js";
import { changed, modalsOf, viewer } from "./store.js";

const forms = new Map(); // view id -> Map of what was filled in
const errors = new Map(); // view id -> {block_id: sentence}
const problems = new Map(); // view id -> a sentence about the whole window
const busy = new Set(); // view ids whose answer is awaited

let returnTo = null; // where the focus was before the window opened

export function formOf(view) {
  if (!forms.has(view.id)) forms.set(view.id, new Map());
  return forms.get(view.id);
}

/** Shows the viewer's topmost modal, or none. */
export function drawModal() {
  const view = modalsOf(viewer.user).at(-1);
  let dialog = document.getElementById("modal");
  if (dialog && dialog.dataset.viewId !== view?.id) {
    dialog.close();
    dialog.remove();
    dialog = null;
    if (!view) restoreFocus();
  }
  if (!view) return;
  const isNew = !dialog;
  dialog ??= makeDialog(view);
  fill(dialog, view);
  if (isNew) open(dialog);
}

function makeDialog(view) {
  const dialog = h(
    "dialog",
    { id: "modal", class: "dialog modal", "data-view-id": view.id, "aria-labelledby": "modal-title" },
    h("form", { class: "modal-form", novalidate: true }),
  );
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(view.id);
  });
  return dialog;
}

function open(dialog) {
  if (document.activeElement !== document.body) returnTo = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector(".modal-body :is(input, textarea, .select)") ?? dialog.querySelector(".modal-body")).focus();
}

function restoreFocus() {
  const token = returnTo?.dataset.focus;
  const node = returnTo?.isConnected ? returnTo : token && document.querySelector(`[data-focus="${CSS.escape(token)}"]`);
  node?.focus({ preventScroll: true });
  returnTo = null;
}

const item = (key, print, make) => ({ key, print: JSON.stringify(print), make });

function fill(dialog, view) {
  const form = dialog.querySelector("form");
  const surface = viewSurface(view, formOf(view));
  const problem = problems.get(view.id) ?? failureOf(view.id);
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(view);
  };
  const body = {
    key: "body",
    print: JSON.stringify([view.blocks, errors.get(view.id), viewer.user]),
    make: () => {
      const node = h("div", { class: "modal-body", tabindex: "-1" });
      reconcile(node, blockItems(view.blocks, surface, "block", errors.get(view.id)));
      return node;
    },
    update: (node) => reconcile(node, blockItems(view.blocks, surface, "block", errors.get(view.id))),
  };
  const wholeErrors = problem && item("problem", [problem], () => h("p", { class: "failure", role: "alert" }, icon("warn"), problem));
  reconcile(form, [item("head", [view.title], () => head(view)), body, wholeErrors, item("foot", [view.submit, view.close, busy.has(view.id)], () => foot(view))].filter(Boolean));
}

function head(view) {
  return h(
    "header",
    { class: "modal-head" },
    h("h2", { id: "modal-title" }, plainText(view.title)),
    h("button", { type: "button", class: "icon-button", "aria-label": "Close", "data-focus": "modal-close", onclick: () => close(view.id) }, icon("close")),
  );
}

function foot(view) {
  const isBusy = busy.has(view.id);
  const submitText = plainText(view.submit);
  return h(
    "footer",
    { class: "dialog-buttons" },
    h("button", { type: "button", class: "button", "data-focus": "modal-cancel", onclick: () => close(view.id) }, plainText(view.close) || (submitText ? "Cancel" : "Close")),
    submitText &&
      h(
        "button",
        { type: "submit", class: `button button-primary${isBusy ? " is-busy" : ""}`, "aria-busy": isBusy ? "true" : null, "data-focus": "modal-submit" },
        h("span", { class: "button-text" }, submitText),
      ),
  );
}

async function close(id) {
  await closeView(viewer.user, id);
  for (const kept of [forms, errors, problems]) kept.delete(id);
  await refetch();
}

/** What is sent: input blocks by their block, other elements by their action; nothing for what was left empty. */
function valuesOf(view) {
  const form = formOf(view);
  const values = {};
  for (const block of view.blocks ?? []) {
    if (block.type === "input") keep(values, block.block_id ?? block.element.action_id, form, block.element);
    for (const element of [block.accessory, ...(block.type === "actions" ? block.elements : [])]) {
      if (element && element.type !== "button" && element.action_id) keep(values, element.action_id, form, element);
    }
  }
  return values;
}

function keep(values, key, form, element) {
  const value = form.has(key) ? form.get(key) : initialOf(element);
  if (value !== undefined && value !== "") values[key] = value;
}

/** What a form refuses before it asks the app, in the words that people get elsewhere. */
function missing(view, values) {
  const found = {};
  for (const block of view.blocks ?? []) {
    if (block.type !== "input") continue;
    const key = block.block_id ?? block.element.action_id;
    const sentence = complaint(block, values[key]);
    if (sentence) found[key] = sentence;
  }
  return found;
}

function complaint({ element, optional }, value) {
  const isEmpty = value === undefined || (isMultiple(element) && value.length === 0) || (typeof value === "string" && !value.trim());
  if (isEmpty) return optional ? "" : "Please complete this field.";
  if (element.min_length && value.length < element.min_length) return `At least ${element.min_length} characters, please.`;
  if (element.type !== "number_input") return "";
  const number = Number(value);
  if (Number.isNaN(number) || (!element.is_decimal_allowed && !Number.isInteger(number))) {
    return element.is_decimal_allowed ? "A number, please." : "A whole number, please.";
  }
  if (element.min_value !== undefined && number < Number(element.min_value)) return `At least ${element.min_value}, please.`;
  if (element.max_value !== undefined && number > Number(element.max_value)) return `At most ${element.max_value}, please.`;
  return "";
}

async function submit(view) {
  if (busy.has(view.id)) return;
  const values = valuesOf(view);
  const found = missing(view, values);
  problems.delete(view.id);
  if (Object.keys(found).length) return refuse(view, found);
  busy.add(view.id);
  errors.delete(view.id);
  changed();
  const answer = await submitView(viewer.user, view.id, values);
  busy.delete(view.id);
  if (answer.response_action === "errors") return refuse(view, answer.errors ?? {});
  if (!answer.ok) {
    problems.set(view.id, sentenceFor(answer));
    return changed();
  }
  await refetch();
}

/** Shows the complaints and goes to the first; one about no block of the window is about the whole of it. */
function refuse(view, found) {
  errors.set(view.id, found);
  const ids = new Set((view.blocks ?? []).map((block) => block.block_id ?? block.element?.action_id));
  const whole = Object.entries(found).filter(([id]) => !ids.has(id)).map(([, sentence]) => sentence);
  if (whole.length) problems.set(view.id, whole.join(" "));
  drawModal();
  document.querySelector('#modal [aria-invalid="true"], #modal .has-error input')?.focus();
}
