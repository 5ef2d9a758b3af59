// What an interactive element offers, and what is chosen to begin with.

import { channelsOf, people, viewer } from "./store.js";
import { plainText } from "./mrkdwn.js";

const asOption = (option, group) => ({
  value: option.value,
  text: plainText(option.text),
  description: plainText(option.description),
  group,
});

const peopleOptions = () => people().map((user) => ({ value: user.id, text: user.real_name || user.name, description: user.title }));
const channelOptions = () =>
  channelsOf(viewer.user)
    .filter((channel) => !channel.is_im)
    .map((channel) => ({ value: channel.id, text: `#${channel.name}` }));

/** The options of any kind of select, menu, radio group or checkboxes: {value, text, description, group}. */
export function optionsOf(element) {
  if (/users_select$/.test(element.type)) return peopleOptions();
  if (/(conversations|channels)_select$/.test(element.type)) return channelOptions();
  const grouped = (element.option_groups ?? []).flatMap((group) =>
    group.options.map((option) => asOption(option, plainText(group.label))),
  );
  return [...(element.options ?? []).map((option) => asOption(option)), ...grouped];
}

const INITIAL = {
  value: (element) => element.initial_value,
  option: (element) => element.initial_option?.value,
  options: (element) => element.initial_options?.map((option) => option.value),
  one: (element) =>
    element.initial_date ?? element.initial_time ?? element.initial_date_time ?? element.initial_user ??
    element.initial_conversation ?? element.initial_channel,
  many: (element) => element.initial_users ?? element.initial_conversations ?? element.initial_channels,
};

/** The value that the app gave the element: a string, a list for several, or undefined. */
export function initialOf(element) {
  for (const read of Object.values(INITIAL)) {
    const value = read(element);
    if (value !== undefined && value !== null) return Array.isArray(value) ? value : String(value);
  }
  return undefined;
}

/** Whether the element's value is a list. */
export const isMultiple = (element) => element.type === "checkboxes" || element.type.startsWith("multi_");
