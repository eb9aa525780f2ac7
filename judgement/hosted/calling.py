"""One question to a hosted model: over the vendor's own SDK, with one repair, and every way it fails as one of ours."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.answers import Question, Span
from counterfoil.settings import secret
from exceptions_queue.failures import ModelOutputInvalid, ModelUnavailable
from judgement import grounding
from judgement.hosted import prompt
from judgement.hosted.prices import ANSWER_TOKENS_MAX

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.models import Model


@dataclass(frozen=True, slots=True)
class Reply:
    """A valid, grounded reply. `label` None: none of the choices, or the model declined to answer."""

    label: str | None
    evidence: tuple[Span, ...]
    tokens_in: int
    tokens_out: int
    declined: bool = False


def ask(question: Question, fields: Mapping[str, str], model: str, *, seconds: float) -> Reply:
    """Ask; answered within `seconds`, the repair included.

    Raises: ModelUnavailable, with `paid: False` in its data where it surely cost nothing; ModelOutputInvalid after the
    repair, with the tokens in its data.
    """
    # Loading these takes seconds, once, and is none of the vendor's doing.
    importlib.import_module(f"pydantic_ai.models.{model.partition(':')[0]}")
    return asyncio.run(_ask(question, fields, model, seconds))


async def _ask(question: Question, fields: Mapping[str, str], name: str, seconds: float) -> Reply:
    from pydantic_ai import exceptions
    from pydantic_ai.usage import RunUsage, UsageLimits

    usage, grounded = RunUsage(), list[tuple[Span, ...]]()
    try:
        async with asyncio.timeout(seconds), _connected(name) as model:
            agent = _agent(question, fields, model, grounded)
            limits = UsageLimits(request_limit=2, tool_calls_limit=2)
            result = await agent.run(
                prompt.message(fields), usage=usage, usage_limits=limits, model_settings={"timeout": seconds}
            )
    except exceptions.ContentFilterError:
        return Reply(None, (), usage.input_tokens, usage.output_tokens, declined=True)
    except (exceptions.ModelTimeoutError, TimeoutError):
        raise ModelUnavailable(f"{name} did not answer within {seconds:g} s", rule="model_timeout") from None
    except exceptions.ModelAPIError as failure:
        raise _unavailable(name, failure, asked_before=usage.requests > 0) from None
    except exceptions.AgentRunError as failure:
        raise ModelOutputInvalid(
            f"{name} gave no valid answer, after the repair either",
            rule=type(failure).__name__,
            data={"read": usage.input_tokens, "written": usage.output_tokens},
        ) from None
    label = result.output.label
    return Reply(None if label == prompt.NONE else label, grounded[-1], usage.input_tokens, usage.output_tokens)


def _agent(
    question: Question, fields: Mapping[str, str], model: "Model", grounded: list[tuple[Span, ...]]
) -> "Agent[object, Any]":
    """One closed answer, no tools, and one repair, which is shown what was wrong."""
    from pydantic_ai import Agent, ModelRetry

    agent: Agent[object, Any] = Agent(
        model,
        output_type=prompt.shape(question),
        instructions=prompt.instructions(question),
        retries={"output": 1},
        model_settings={"max_tokens": ANSWER_TOKENS_MAX, "temperature": 0.0},
    )

    @agent.output_validator
    def is_grounded(given: Any) -> Any:
        try:
            found = grounding.spans(question, fields, [(quote.field, quote.text) for quote in given.quotes])
        except grounding.NotGrounded as failure:
            raise ModelRetry(str(failure)) from None
        if question.evidence_required and given.label != prompt.NONE and not found:
            raise ModelRetry("quote the words of the input that carry the label")
        grounded.append(found)
        return given

    return agent


@asynccontextmanager
async def _connected(name: str) -> AsyncIterator["Model"]:
    """The model over its vendor's own client, which does not repeat a request by itself."""
    vendor, _, model = name.partition(":")
    if vendor == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        key, base = _key("ANTHROPIC_API_KEY", name), secret("ANTHROPIC_BASE_URL")
        async with AsyncAnthropic(api_key=key, base_url=base, max_retries=0) as anthropic:
            yield AnthropicModel(model, provider=AnthropicProvider(anthropic_client=anthropic))
    else:
        from openai import AsyncOpenAI
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        key, base = _key("OPENAI_API_KEY", name), secret("OPENAI_BASE_URL")
        async with AsyncOpenAI(api_key=key, base_url=base, max_retries=0) as openai:
            yield OpenAIChatModel(model, provider=OpenAIProvider(openai_client=openai))


def _key(variable: str, name: str) -> str:
    key = secret(variable)
    if key is None:
        raise ModelUnavailable(
            f"{name} is to be asked, and {variable} is not set", rule="model_key_missing", data={"paid": False}
        )
    return key


def _unavailable(name: str, failure: Any, *, asked_before: bool) -> ModelUnavailable:
    """What the vendor said about itself. A refused request costs nothing; of a second one, the first was paid for."""
    status = getattr(failure, "status_code", None)
    if status is None:
        return ModelUnavailable(f"{name} was not reached, or broke off", rule="model_unreachable")
    data = {} if asked_before else {"paid": False}
    return ModelUnavailable(f"{name} answered {status}", rule=f"model_http_{status}", data=data)
