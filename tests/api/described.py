"""Requests made of an OpenAPI description and then damaged, fast, since they are made without
hypothesis; their answers are checked against the description."""

import json
import urllib.parse

import client
import damage
import jsonschema_rs

METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}
# What is not asked:
#  - the event stream does not end by itself;
#  - tokens are for users of this machine only, who could revoke the token of the run.
LEFT_OUT = ["/api/v1/events", "/api/v1/tokens", "/api/v1/tokens/{name}"]
# Values that there are, so that not every request ends with `not_found`.
KNOWN = {"host": ["web-01", "db-01"], "channel": ["run"], "channels": [["run"]], "delivery": [1, 2, 3],
         "incident": ["web-01/disk"], "target": ["web-01/disk"], "wait": ["0s", "1ms"], "state": ["failed,unknown"]}
TYPES = ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "\x7f"]


def operations(description):
    """The operations that are asked, as method and path."""
    return [
        (method, path)
        for path, methods in description["paths"].items()
        for method in methods
        if method in METHODS and path not in LEFT_OUT
    ]


class Operation:
    """One operation: makes requests, and knows which answers are described."""

    def __init__(self, description, method, path):
        self.method, self.path = method.upper(), path
        self.name = f"{self.method} {path}"
        self.described = description["paths"][path][method]
        self.description = description
        self.parameters = self.described.get("parameters", [])
        content = self.described.get("requestBody", {}).get("content", {})
        self.body = content.get("application/json", {}).get("schema")
        self.taken = None if self.body is None else self.validator(self.body)
        self.checked = {
            status: {kind: self.validator(media.get("schema", {}))
                     for kind, media in response.get("content", {}).items()}
            for status, response in self.described["responses"].items()
        }

    def validator(self, schema):
        components = self.description.get("components", {})
        return jsonschema_rs.validator_for({**schema, "components": components})

    def resolved(self, schema):
        while "$ref" in schema:
            target = self.description
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        return schema

    def example(self, rng, schema, name=""):
        """A value that a schema permits, or nearly."""
        schema = self.resolved(schema)
        if name in KNOWN and rng.random() < 0.6:
            return rng.choice(KNOWN[name])
        for several in ("oneOf", "anyOf"):
            if several in schema:
                return self.example(rng, rng.choice(schema[several]), name)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        kind = schema.get("type", "string")
        kind = rng.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            required = schema.get("required", [])
            members = schema.get("properties", {}).items()
            return {key: self.example(rng, one, key) for key, one in members
                    if key in required or rng.random() < 0.4}
        if kind == "array":
            return [self.example(rng, schema.get("items", {})) for _ in range(rng.randrange(3))]
        if kind in ("integer", "number"):
            return rng.choice([1, 2, 60, schema.get("minimum", 0), schema.get("maximum", 1_795_356_000_000)])
        return {"boolean": rng.random() < 0.5, "null": None}.get(kind, rng.choice(["a", "web-01", "critical"]))

    def request(self, rng):
        """A request, of which a part is damaged."""
        target, headers, query, data = self.path, [], [], None
        harm = rng.choice(["body", "body", "body", "query", "path", "nothing"])
        for parameter in self.parameters:
            name, place = parameter["name"], parameter["in"]
            if not parameter.get("required") and rng.random() < 0.5:
                continue
            value = self.example(rng, parameter.get("schema", {}), name)
            if harm == place or rng.random() < 0.05:
                value = damage.value(rng, 2)
            value = value if isinstance(value, str) else json.dumps(value)
            if place == "path":
                quoted = urllib.parse.quote(value, safe="", errors="surrogatepass") or "%20"
                target = target.replace(f"{{{name}}}", quoted[:6000])
            elif place == "query":
                query.append((name, value[:3000]))
            else:
                headers.append((name, "".join(one for one in value[:600] if " " <= one < "\x7f")))
        if harm == "query" and rng.random() < 0.3:
            query.append((damage.text(rng)[:100], damage.text(rng)[:100]))
        if query:
            target += "?" + urllib.parse.urlencode(query, errors="surrogatepass")
        if self.body is not None:
            tree = self.example(rng, self.body)
            if harm == "body" and rng.random() < 0.1:
                # What is derived for an object may take an array of its members.
                members = len(self.resolved(self.body).get("properties", {}))
                tree = [*tree.values()] if rng.random() < 0.3 else [None] * members
            data = damage.body(rng, tree) if harm == "body" else damage.encode(rng, tree)
            kind = rng.choice(TYPES) if rng.random() < 0.03 else "application/json"
            headers.append(("Content-Type", kind))
        return self.name, self.method, target, headers, data

    def is_described(self, data):
        """Whether a body is as described."""
        try:
            return self.taken is None or self.taken.is_valid(json.loads(data))
        except (ValueError, RecursionError):
            return False

    def wrong(self, data, status, headers, body):
        """What is wrong with the answer to a body; none if it is described."""
        if status >= 500:
            return f"the status is {status}"
        if status < 300 and not self.is_described(data):
            return "the body is not as described, and was taken"
        described = self.checked.get(str(status), self.checked.get(f"{status // 100}XX"))
        if described is None:
            return f"the status {status} is not described"
        if status in (400, 431) and not body:
            # The server of HTTP itself refuses what is no request.
            return None
        kind = headers.get("content-type", "")
        if kind not in described:
            return f"the content type {kind} is not described for {status}"
        if kind.endswith("json"):
            error = next(iter(described[kind].iter_errors(json.loads(body))), None)
            if error:
                return f"the answer is not as described: {error.message[:300]}"
        return client.problem_of(status, headers, body) if status >= 400 else None


class Make:
    """Makes cases of all operations of a description."""

    def __init__(self, description):
        self.description = description

    def __call__(self, rng):
        of = {}
        for method, path in operations(self.description):
            operation = Operation(self.description, method, path)
            of[operation.name] = operation
        all_of = list(of.values())
        # What takes a body has the most that can go wrong.
        weights = [4 if one.body is not None else 1 for one in all_of]

        def case():
            return rng.choices(all_of, weights)[0].request(rng)

        return case, lambda name, *answer: of[name].wrong(*answer)
