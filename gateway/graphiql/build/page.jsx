// GraphiQL for the gateway that serves it: same host, same path, nothing from anywhere else.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import questions from "./questions.graphql";
import "./page.css";

const url = window.location.pathname;
const live = new URL(url, window.location.href);
live.protocol = live.protocol.replace("http", "ws");

// Headers also go into connection_init, so one token serves both ways. Without shouldPersistHeaders (off) the token
// stays in this tab's memory.
const fetcher = createGraphiQLFetcher({
  url,
  subscriptionUrl: live.href,
  headers: { accept: "application/graphql-response+json, application/json" },
});
const asked = new URLSearchParams(window.location.search);

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    query={asked.get("query") ?? undefined}
    variables={asked.get("variables") ?? undefined}
    defaultQuery={questions}
    defaultHeaders={'{"Authorization": "Bearer "}'}
    defaultEditorToolsVisibility="headers"
  />,
);
