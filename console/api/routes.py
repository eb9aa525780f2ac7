"""The table of routes: the server, the OpenAPI document and the tests are made from it."""

from console import answers, asks
from console.api import act, look
from console.api.route import Route

_CHANGE = (404, 409)

ROUTES: tuple[Route, ...] = (
    Route("GET", "/events", look.list_events, "Events", answers.Page[answers.Event], query=asks.EventsAsk),
    Route("GET", "/events/{id}", look.show_event, "One event", answers.EventDetail),
    Route("GET", "/events/{id}/explain", look.explain_event, "The five answers", answers.Explanation),
    Route(
        "POST",
        "/events/{id}/replay",
        act.replay_event,
        "Run an event again, or show what that would change",
        answers.Queued | answers.Difference,
        body=asks.ReplayAsk,
        refusals=_CHANGE,
        right="act",
    ),
    Route("GET", "/runs", look.list_runs, "Runs", answers.Page[answers.Run], query=asks.RunsAsk),
    Route("GET", "/runs/{id}", look.show_run, "One run with its steps", answers.Run),
    Route("GET", "/writes", look.list_writes, "Writes", answers.Page[answers.Write], query=asks.WritesAsk),
    Route("GET", "/writes/{id}/stub", look.show_stub, "The proof of one write", answers.Stub),
    Route(
        "GET",
        "/writes/{id}/approval",
        look.show_approval,
        "What is shown before it is approved",
        answers.Approval,
    ),
    *(
        Route(
            "POST",
            f"/writes/{{id}}/{verb}",
            function,
            summary,
            answers.Approval,
            body=body,
            refusals=_CHANGE,
            right="act",
        )
        for verb, function, summary, body in (
            ("approve", act.approve, "Yes to exactly what was shown", asks.ApproveAsk),
            ("reject", act.reject, "No: it is not made, nor the rest of its plan", asks.Change),
            ("edit", act.edit_write, "Another action, which somebody else approves", asks.ActionAsk),
        )
    ),
    Route(
        "GET",
        "/approvals",
        look.list_approvals,
        "What waits for approval",
        answers.Page[answers.Request],
        query=asks.ApprovalsAsk,
    ),
    Route(
        "POST",
        "/approvals/batch",
        act.approve_many,
        "Yes to many, or what that would come to",
        answers.Batch,
        body=asks.BatchAsk,
        refusals=(409,),
        right="act",
    ),
    Route("GET", "/cases", look.list_cases, "Cases", answers.Page[answers.Case], query=asks.CasesAsk),
    Route("GET", "/cases/{id}", look.show_case, "One case", answers.CaseDetail),
    *(
        Route(
            "POST",
            f"/cases/{{id}}/{verb}",
            function,
            summary,
            answers.CaseDetail,
            body=body,
            refusals=_CHANGE,
            right="act",
        )
        for verb, function, summary, body in (
            ("acknowledge", act.acknowledge, "Somebody has it", asks.Change),
            ("assign", act.assign, "Give it to a person", asks.AssignAsk),
            ("snooze", act.snooze, "Let it sleep until a moment", asks.SnoozeAsk),
            ("resolve", act.resolve, "Close it; nothing is blocked any more", asks.Change),
            ("dismiss", act.dismiss, "Close it and ignore what it blocks", asks.Change),
            ("edit", act.edit, "A corrected copy of a payload; the original stays", asks.EditAsk),
            ("accept", act.accept, "Of one identity with two contents, take the newer", asks.AcceptAsk),
        )
    ),
    Route(
        "POST",
        "/cases/{id}/replay",
        act.replay_case,
        "Run all of its blocked events again",
        answers.Replay,
        body=asks.CaseReplayAsk,
        refusals=_CHANGE,
        right="act",
    ),
    Route("GET", "/replays", look.list_replays, "Replays", answers.Page[answers.Replay], query=asks.ReplaysAsk),
    Route(
        "POST",
        "/replays",
        act.plan_replay,
        "Replay many events by filter, or only plan it",
        answers.Replay,
        body=asks.ReplaysPlanAsk,
        refusals=(409,),
        right="act",
    ),
    Route("GET", "/replays/{id}", look.show_replay, "Plan, progress and failures", answers.Replay),
    Route(
        "POST",
        "/replays/{id}/start",
        act.start_replay,
        "Start a planned replay",
        answers.Replay,
        body=asks.Change,
        refusals=_CHANGE,
        right="act",
    ),
    Route(
        "POST",
        "/replays/{id}/cancel",
        act.cancel_replay,
        "Stop a replay",
        answers.Replay,
        body=asks.Change,
        refusals=_CHANGE,
        right="act",
    ),
    Route("GET", "/owners", look.list_owners, "Who answers for which failure", answers.Page[answers.Owner]),
    Route("GET", "/handlers", look.list_handlers, "The workflows", answers.Page[answers.Handler]),
    Route("GET", "/stats", look.show_stats, "The numbers of a window", answers.Stats, query=asks.StatsAsk),
)
