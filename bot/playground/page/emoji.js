// Emoji by their short names: the ones that operations talk uses. An unknown name stays as it was written.

import { h } from "./dom.js";

const NAMES = `
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|no_entry ⛔|no_entry_sign 🚫
warning ⚠️|rotating_light 🚨|fire 🔥|boom 💥|bomb 💣|skull 💀|ghost 👻|zap ⚡|stop_sign 🛑|octagonal_sign 🛑|construction 🚧
hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|timer_clock ⏲️|alarm_clock ⏰|clock1 🕐|clock3 🕒|calendar 📅|date 📅|spiral_calendar_pad 🗓️
rocket 🚀|ship 🚢|package 📦|gear ⚙️|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|toolbox 🧰|link 🔗|bell 🔔|no_bell 🔕
key 🔑|old_key 🗝️|lock 🔒|unlock 🔓|closed_lock_with_key 🔐|lock_with_ink_pen 🔏|shield 🛡️|eye 👁️|eyes 👀|bust_in_silhouette 👤|busts_in_silhouette 👥
mag 🔍|mag_right 🔎|bulb 💡|memo 📝|pencil 📝|pencil2 ✏️|clipboard 📋|page_facing_up 📄|page_with_curl 📃|file_folder 📁|books 📚|book 📖|bookmark 🔖|label 🏷️|scroll 📜|receipt 🧾|newspaper 📰
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|abacus 🧮|thermometer 🌡️|balance_scale ⚖️|scales ⚖️|microscope 🔬|telescope 🔭|test_tube 🧪|dart 🎯
arrow_up ⬆️|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️|arrow_upper_right ↗️|arrow_lower_right ↘️|left_right_arrow ↔️|arrow_up_down ↕️|arrows_counterclockwise 🔄|arrows_clockwise 🔃|repeat 🔁|rewind ⏪|fast_forward ⏩
leftwards_arrow_with_hook ↩️|arrow_right_hook ↪️|arrow_forward ▶️|double_vertical_bar ⏸️|pause_button ⏸️|black_square_for_stop ⏹️|twisted_rightwards_arrows 🔀|back 🔙|soon 🔜|new 🆕|up 🆙|ok 🆗|sos 🆘
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|large_purple_circle 🟣|large_brown_circle 🟤|black_circle ⚫|white_circle ⚪
large_red_square 🟥|large_orange_square 🟧|large_yellow_square 🟨|large_green_square 🟩|large_blue_square 🟦|large_purple_square 🟪|black_large_square ⬛|white_large_square ⬜|small_red_triangle 🔺|small_red_triangle_down 🔻|large_blue_diamond 🔷|large_orange_diamond 🔶|small_blue_diamond 🔹|small_orange_diamond 🔸
question ❓|grey_question ❔|exclamation ❗|heavy_exclamation_mark ❗|grey_exclamation ❕|bangbang ‼️|information_source ℹ️|heavy_plus_sign ➕|heavy_minus_sign ➖|heavy_multiplication_x ✖️
thumbsup 👍|+1 👍|thumbsdown 👎|-1 👎|wave 👋|pray 🙏|clap 👏|raised_hands 🙌|raised_hand ✋|hand ✋|ok_hand 👌|point_right 👉|point_left 👈|point_up ☝️|point_down 👇|muscle 💪|handshake 🤝|writing_hand ✍️|v ✌️
smile 😄|smiley 😃|grinning 😀|slightly_smiling_face 🙂|blush 😊|wink 😉|joy 😂|thinking_face 🤔|thinking 🤔|neutral_face 😐|sweat_smile 😅|sob 😭|cry 😢|scream 😱|sunglasses 😎|see_no_evil 🙈|shrug 🤷|facepalm 🤦|robot_face 🤖|robot 🤖
tada 🎉|sparkles ✨|star ⭐|star2 🌟|heart ❤️|green_heart 💚|broken_heart 💔|100 💯|trophy 🏆|medal 🏅|beers 🍻|coffee ☕|pizza 🍕|cake 🍰
computer 💻|desktop_computer 🖥️|keyboard ⌨️|phone ☎️|iphone 📱|email 📧|incoming_envelope 📨|inbox_tray 📥|outbox_tray 📤|speech_balloon 💬|thought_balloon 💭|loudspeaker 📢|mega 📣|satellite 🛰️|electric_plug 🔌|battery 🔋|floppy_disk 💾|cd 💿|card_index_dividers 🗂️|wastebasket 🗑️|globe_with_meridians 🌐|earth_africa 🌍|cloud ☁️|sunny ☀️|snowflake ❄️|ice_cube 🧊|umbrella ☂️|rainbow 🌈|ocean 🌊|turtle 🐢|snail 🐌|bug 🐛|bee 🐝|whale 🐳|seedling 🌱|evergreen_tree 🌲|house 🏠|office 🏢|factory 🏭|bank 🏦|credit_card 💳|shopping_trolley 🛒|moneybag 💰|money_with_wings 💸|dollar 💵|checkered_flag 🏁|triangular_flag_on_post 🚩|white_flag 🏳️
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣|zero 0️⃣|keycap_ten 🔟
`;

const GLYPHS = new Map(
  NAMES.trim()
    .split(/[|\n]/)
    .map((pair) => pair.split(" ")),
);

/** The emoji of this short name (skin tones are left out), or undefined. */
export const glyphOf = (name) => GLYPHS.get(name.split("::")[0]);

/** The emoji as an element that is read aloud by its name; ":name:" where it is not known. */
export function emoji(name) {
  const glyph = glyphOf(name);
  if (!glyph) return document.createTextNode(`:${name}:`);
  const said = name.split("::")[0].replaceAll("_", " ");
  return h("span", { class: "emoji", role: "img", "aria-label": said, title: `:${name}:` }, glyph);
}

/** Plain text with the short names in it replaced. */
export const withEmoji = (text) => text.replace(/:([a-z0-9_+'-]+):/g, (all, name) => glyphOf(name) ?? all);
