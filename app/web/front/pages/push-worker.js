// Shows notifications and opens what they lead to, also when no page of ours is open.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  if (!event.data) return;
  const { title, body, icon, url, tag } = event.data.json();
  // with the same tag the last one replaces the others, so that one that was sent twice is seen once
  event.waitUntil(self.registration.showNotification(title, { body, icon, tag, data: { url } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url } = event.notification.data;
  if (url) event.waitUntil(self.clients.openWindow(url));
});

// a browser may replace its subscription by itself
self.addEventListener("pushsubscriptionchange", (event) => {
  const old = event.oldSubscription;
  if (!old) return;
  const renewed = async () => {
    const subscription = event.newSubscription ?? await self.registration.pushManager.subscribe(old.options);
    const headers = { "Content-Type": "application/json" };
    await fetch("renew", { method: "POST", headers, body: JSON.stringify({ old: old.endpoint, new: subscription }) });
  };
  event.waitUntil(renewed());
});
