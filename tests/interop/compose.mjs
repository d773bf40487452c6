// Composes the subgraphs given as `name=file` and prints {supergraph} or {errors} as JSON.
import { readFileSync } from "node:fs";
import { composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";

const services = process.argv.slice(2).map((argument) => {
  const [name, file] = argument.split("=");
  return { name, typeDefs: parse(readFileSync(file, "utf8")), url: `http://${name}.example/graphql` };
});
const { supergraphSdl, errors } = composeServices(services);
console.log(JSON.stringify(supergraphSdl ? { supergraph: supergraphSdl } : { errors: errors.map((e) => e.message) }));
