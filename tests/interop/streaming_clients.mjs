// One subscription by the client and transport that is named; prints what the application behind it would see.
// One with a variable $after goes on from the last cursor it saw, for ever: by the client's own retries, or anew.
//   node streaming_clients.mjs <graphql-ws|graphql-sse|graphql-sse-single|apollo-multipart> <url> <tokens as JSON> <query>
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { createClient as createSse } from "graphql-sse";
import { createClient as createWs } from "graphql-ws";
import WebSocket from "ws";

const [kind, url, tokens, query] = process.argv.slice(2);
const remaining = JSON.parse(tokens);
// The last one is used again when there is no newer one.
const token = () => (remaining.length > 1 ? remaining.shift() : remaining[0]);
const say = (event, value) => console.log(JSON.stringify({ event, value }));
const resumes = query.includes("$after");
const RETRIES = resumes ? 1000 : 5;
const pause = () => new Promise((done) => setTimeout(done, resumes ? 200 : 50));
// The clients print it anew for each attempt.
const payload = { query, variables: {} };
const remember = (value) => {
  const cursor = Object.values(value.data ?? {}).find((told) => told?.cursor)?.cursor;
  if (resumes && cursor) payload.variables.after = cursor;
};
const sink = {
  next: (value) => (remember(value), say("next", value)),
  error: (error) => say("error", error.errors ?? (Array.isArray(error) ? error : (error.reason ?? error.message ?? String(error)))),
  complete: () => say("complete"),
};
const end = (callback) => ({
  next: sink.next,
  error: (error) => (sink.error(error), callback()),
  complete: () => (sink.complete(), callback()),
});

const clients = {
  "graphql-ws": () => {
    const client = createWs({
      url: url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      connectionParams: () => ({ Authorization: `Bearer ${token()}` }),
      retryAttempts: RETRIES,
      retryWait: pause,
      on: {
        connected: (_, payload) => say("connected", payload),
        closed: ({ code, reason }) => say("closed", [code, reason]),
        ping: (received) => received && say("ping"),
      },
    });
    return (ended) => client.subscribe(payload, end(() => (client.dispose(), ended())));
  },
  "graphql-sse": (singleConnection = false) => {
    const headers = () => ({ Authorization: `Bearer ${token()}` });
    const client = createSse({ url, singleConnection, headers, retryAttempts: RETRIES, retry: pause });
    return (ended) => client.subscribe(payload, end(() => (client.dispose(), ended())));
  },
  "graphql-sse-single": () => clients["graphql-sse"](true),
  "apollo-multipart": () => {
    const link = new HttpLink({ uri: url, headers: { Authorization: `Bearer ${token()}` } });
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const started = query.startsWith("subscription")
      ? (observer) => client.subscribe({ ...payload, query: gql(query), errorPolicy: "all" }).subscribe(observer)
      : (observer) => client.query({ query: gql(query) }).then(observer.next).then(observer.complete);
    return (ended) =>
      started(end(ended));
  },
};

const start = () => clients[kind]()(() => (resumes ? pause().then(start) : setTimeout(() => process.exit(0), 50)));
start();
