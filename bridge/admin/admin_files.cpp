// The page, its script and its style. The script writes what it is told as text only, never as HTML: topics, users and
// reasons come from clients.
#include "admin/admin_files.hpp"

namespace pg_live {

namespace {

constexpr std::string_view kPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                                     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>pg_live bridge</title>
<link rel="stylesheet" href="/admin/style.css">
<script type="module" src="/admin/script.js"></script>
<h1>pg_live bridge</h1>
<form id="entry"><label>Token <input id="token" type="password" autocomplete="off" required></label> <button>Show</button></form>
<p id="problem" role="alert"></p>
<main hidden>
<h2>Now</h2><table id="totals"></table>
<h2>Topics with most channels</h2><table id="topics"></table>
<h2>Slowest readers</h2><table id="slowest"></table>
<h2>Last refusals</h2><table id="refusals"></table>
<h2>Live events</h2>
<form id="follow"><select id="of"><option value="topic">of the topic</option><option value="user">of the user</option></select>
<input id="name" required> <button>Follow</button></form>
<table id="events"></table>
</main>
</html>
)";

constexpr std::string_view kStyle =
    R"(body { font: 14px system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse; margin-bottom: 1em }
td, th { border: 1px solid #ccc; padding: .2em .6em; text-align: left; max-width: 40em; overflow-wrap: anywhere }
#problem { color: #b00 }
)";

constexpr std::string_view kScript = R"(const find = (id) => document.getElementById(id);
let token = '';
let followed = null;

async function ask(path) {
  const response = await fetch(path, { headers: { authorization: `Bearer ${token}` }, cache: 'no-store' });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

function row(cells, kind) {
  const line = document.createElement('tr');
  for (const cell of cells) {
    const place = document.createElement(kind);
    place.textContent = cell;
    line.append(place);
  }
  return line;
}

const shown = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value ?? ''));

function fill(table, rows) {
  const names = [...new Set(rows.flatMap(Object.keys))];
  const lines = rows.map((each) => row(names.map((name) => shown(each[name])), 'td'));
  table.replaceChildren(row(names, 'th'), ...lines);
}

async function showState() {
  const state = await ask('/admin/state');
  fill(find('totals'), [state.totals]);
  for (const name of ['topics', 'slowest', 'refusals']) fill(find(name), state[name]);
  find('entry').hidden = true;
  document.querySelector('main').hidden = false;
}

async function showEvents() {
  const now = followed;
  const query = new URLSearchParams({ of: now.of, name: now.name, after: now.next });
  const { next, events } = await ask(`/admin/events?${query}`);
  if (now !== followed) return;
  now.next = next;
  now.events = [...events.reverse(), ...now.events].slice(0, 100);
  fill(find('events'), now.events);
}

async function go() {
  try {
    await showState();
    if (followed) await showEvents();
    find('problem').textContent = '';
  } catch (error) {
    find('problem').textContent = error.message;
    if (!find('entry').hidden) return;
  }
  setTimeout(go, 2000);
}

find('entry').addEventListener('submit', (event) => {
  event.preventDefault();
  token = find('token').value;
  go();
});
find('follow').addEventListener('submit', (event) => {
  event.preventDefault();
  followed = { of: find('of').value, name: find('name').value, next: 0, events: [] };
  showEvents().catch((error) => (find('problem').textContent = error.message));
});
)";

HttpResponse file(std::string_view type, std::string_view text) {
  HttpResponse response;
  response.content_type = type;
  response.body = text;
  response.headers = {{"Content-Security-Policy", std::string(kPolicy)}, {"Cache-Control", "no-store"}};
  return response;
}

} // namespace

std::optional<HttpResponse> admin_file(std::string_view path) {
  if (path == "/admin") return file("text/html; charset=utf-8", kPage);
  if (path == "/admin/script.js") return file("text/javascript; charset=utf-8", kScript);
  if (path == "/admin/style.css") return file("text/css; charset=utf-8", kStyle);
  return std::nullopt;
}

} // namespace pg_live
