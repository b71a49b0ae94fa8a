"""What schemathesis checks besides: a request that is as described is never refused as one that is
not. It may be refused for what there is, such as a host that is not in the file."""

import schemathesis

# The reasons of a refusal that say that a request is not as described.
NOT_AS_DESCRIBED = {"not_json", "wrong_body", "wrong_query", "wrong_content_type", "wrong_method"}


@schemathesis.check
def takes_what_is_described(_ctx, response, case):
    """Fails if a request that is as described was refused as one that is not."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code < 400:
        return
    problem = response.json()
    kind = problem.get("type", "").removeprefix("urn:annunciator:problem:")
    # `1.0` is a whole number to JSON Schema, and not to the monitor, as documented.
    if problem.get("detail", "").startswith("invalid type: floating point"):
        return
    assert kind not in NOT_AS_DESCRIBED, f"a request that is as described was refused: {kind}"
