// Servers that speak as Twilio does and were not written here: emulate, and Prism over the descriptions that Twilio
// publishes. One line of JSON says where they listen; they end with standard input.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer as createSocket } from "node:net";

import { createEmulator } from "emulate";

const require = createRequire(import.meta.url);
const { createLogger } = require("@stoplight/prism-core");
const { getHttpOperationsFromSpec } = require("@stoplight/prism-http");
const { createServer } = require("@stoplight/prism-http-server");

// What we call, and which of Twilio's examples is the answer (the first, unless it is named). All paths of the API would
// take seconds to read.
const CALLED = {
  api_v2010: { path: "/2010-04-01/Accounts/{AccountSid}/Messages.json" },
  content_v1: { path: "/v1/ContentAndApprovals", exampleKey: "readResults" },
};

function freePort() {
  return new Promise((found) => {
    const probe = createSocket().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

// A description with the path that we call. A date may be without a time, as in Twilio's documentation and in its own
// links to further pages. That a form repeats the name of a list is OpenAPI's default; Prism wants it said.
function description(name) {
  const whole = JSON.parse(readFileSync(new URL(`node_modules/.twilio/twilio_${name}.json`, import.meta.url), "utf8"));
  const { path } = CALLED[name];
  for (const { schema } of whole.paths[path].get.parameters) {
    if (schema.format !== "date-time") continue;
    delete schema.format;
    schema.pattern = "^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d:\\d\\dZ)?$";
  }
  const form = whole.paths[path].post?.requestBody.content["application/x-www-form-urlencoded"];
  const lists = Object.entries(form?.schema.properties ?? {}).filter(([, { type }]) => type === "array");
  if (form) form.encoding = Object.fromEntries(lists.map(([list]) => [list, { style: "form", explode: true }]));
  return { ...whole, paths: { [path]: whole.paths[path] } };
}

async function prism(name) {
  const server = createServer(await getHttpOperationsFromSpec(description(name)), {
    cors: false,
    components: { logger: createLogger("prism", { level: "silent" }) },
    config: {
      isProxy: false,
      errors: true,
      checkSecurity: true,
      validateRequest: true,
      validateResponse: false, // addresses in Twilio's examples have no host, and its description wants one
      mock: { dynamic: false, exampleKey: CALLED[name].exampleKey },
    },
  });
  return server.listen(0, "127.0.0.1");
}

async function emulate() {
  const port = await freePort();
  await createEmulator({ service: "twilio", port });
  return `http://127.0.0.1:${port}`;
}

const addresses = { emulate: await emulate(), api: await prism("api_v2010"), content: await prism("content_v1") };
console.log(JSON.stringify(addresses));
process.stdin.resume().on("end", () => process.exit(0));
