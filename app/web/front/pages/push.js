// The page on which a person lets this browser show our notifications, or takes that back.
const main = document.getElementById("push");
const words = document.getElementById("words").dataset;
const said = document.getElementById("said");
const subscribe = document.getElementById("subscribe");
const unsubscribe = document.getElementById("unsubscribe");

/** Shows the one button that makes sense now, and a sentence. */
function show(isOn, sentence) {
  subscribe.hidden = isOn !== false;
  unsubscribe.hidden = isOn !== true;
  said.textContent = sentence;
}

async function tell(method, subscription) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(main.dataset.device, { method, headers, body: JSON.stringify(subscription) });
  if (answer.ok) return;
  throw new Error((await answer.json()).error);
}

async function registration() {
  await navigator.serviceWorker.register(main.dataset.worker);
  return navigator.serviceWorker.ready;
}

/** Does something that may fail, with the buttons held meanwhile. */
async function attempt(work) {
  subscribe.disabled = unsubscribe.disabled = true;
  try {
    await work();
  } catch (error) {
    // what our server says is for the person; what the browser says is not
    said.textContent = error instanceof DOMException || error instanceof TypeError ? words.failed : error.message;
  } finally {
    subscribe.disabled = unsubscribe.disabled = false;
  }
}

subscribe.addEventListener("click", () => attempt(async () => {
  if (await Notification.requestPermission() !== "granted") return show(null, words.denied);
  const worker = await registration();
  const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: main.dataset.key });
  await tell("POST", subscription);
  show(true, words.on);
}));

unsubscribe.addEventListener("click", () => attempt(async () => {
  const worker = await registration();
  const subscription = await worker.pushManager.getSubscription();
  if (subscription) {
    await tell("DELETE", subscription);
    await subscription.unsubscribe();
  }
  show(false, words.off);
}));

async function begin() {
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return show(null, words.unsupported);
  if (Notification.permission === "denied") return show(null, words.denied);
  const known = await navigator.serviceWorker.getRegistration();
  const subscription = known && await known.pushManager.getSubscription();
  show(Boolean(subscription), subscription ? words.on : "");
}
begin();
