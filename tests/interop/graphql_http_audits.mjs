// Runs the audits of graphql-http against the address given; prints one JSON object per audit.
import { serverAudits } from "graphql-http";

const url = process.argv[2];
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { id, name } = audit;
  const result = await audit.fn();
  console.log(JSON.stringify({ id, name, status: result.status, reason: result.reason }));
}
