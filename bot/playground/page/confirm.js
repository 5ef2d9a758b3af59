// The question before an action that says it wants one.

import { h } from "./dom.js";
import { plainText, textObject } from "./mrkdwn.js";

/** Asks `confirm` (Slack's confirmation object); true where the person goes on. */
export function confirmed(confirm) {
  return new Promise((resolve) => {
    const isDanger = confirm.style === "danger";
    const dialog = h(
      "dialog",
      { class: "dialog confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      h("h2", { id: "confirm-title" }, plainText(confirm.title) || "Are you sure?"),
      h("div", { class: "confirm-text mrkdwn", id: "confirm-text" }, textObject(confirm.text)),
      h(
        "div",
        { class: "dialog-buttons" },
        h("button", { type: "button", class: "button", onclick: () => end(false) }, plainText(confirm.deny) || "Cancel"),
        h(
          "button",
          { type: "button", class: isDanger ? "button button-danger-solid" : "button button-primary", onclick: () => end(true) },
          plainText(confirm.confirm) || "Yes",
        ),
      ),
    );
    function end(answer) {
      dialog.close();
      dialog.remove();
      resolve(answer);
    }
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(false);
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector(isDanger ? ".button" : ".button-primary").focus();
  });
}
