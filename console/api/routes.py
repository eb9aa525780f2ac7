"""The table of routes: the server, the OpenAPI document and the tests are made from it."""

from console import answers, asks
from console.api import act, control, fix, judge, look, people, reports
from console.api.route import NOT_THERE_OR_NOT_NOW, Route

ROUTES: tuple[Route, ...] = (
    Route(
        "GET", "/events", look.list_events, "Events", answers.Page[answers.Event], query=asks.EventsAsk, right="look"
    ),
    Route("GET", "/events/{id}", look.show_event, "One event", answers.EventDetail, right="look"),
    Route("GET", "/events/{id}/explain", look.explain_event, "The five answers", answers.Explanation, right="look"),
    Route(
        "POST",
        "/events/{id}/replay",
        act.replay_event,
        "Run an event again, or show what that would change",
        answers.Queued | answers.Difference,
        body=asks.ReplayAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="act",
    ),
    Route("GET", "/runs", look.list_runs, "Runs", answers.Page[answers.Run], query=asks.RunsAsk, right="look"),
    Route("GET", "/runs/{id}", look.show_run, "One run with its steps", answers.Run, right="look"),
    Route(
        "GET", "/writes", look.list_writes, "Writes", answers.Page[answers.Write], query=asks.WritesAsk, right="look"
    ),
    Route("GET", "/writes/{id}/stub", look.show_stub, "The proof of one write", answers.Stub, right="reveal"),
    Route(
        "GET",
        "/writes/{id}/approval",
        look.show_approval,
        "What is shown before it is approved",
        answers.Approval,
        right="look",
    ),
    *(
        Route(
            "POST",
            f"/writes/{{id}}/{verb}",
            function,
            summary,
            answers.Approval,
            body=body,
            refusals=NOT_THERE_OR_NOT_NOW,
            right="approve",
        )
        for verb, function, summary, body in (
            ("approve", act.approve, "Yes to exactly what was shown", asks.ApproveAsk),
            ("reject", act.reject, "No: it is not made, nor the rest of its plan", asks.Change),
            ("edit", act.edit_write, "Another action, which somebody else approves", asks.ActionAsk),
        )
    ),
    Route(
        "POST",
        "/writes/{id}/reverse",
        act.reverse,
        "Take a write back, or show what that would do",
        answers.Write | answers.Undoing,
        body=asks.ReverseAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="act",
    ),
    Route(
        "POST",
        "/writes/{id}/probe",
        act.probe,
        "Ask the destination: what became of a doubt, or whether a write still stands",
        answers.Probed,
        body=asks.Change,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="act",
    ),
    Route(
        "POST",
        "/writes/{id}/settle",
        act.settle,
        "What the owner found out about a write in doubt",
        answers.Write,
        body=asks.SettleAsk,
        refusals=NOT_THERE_OR_NOT_NOW,
        right="act",
    ),
    Route(
        "GET",
        "/approvals",
        look.list_approvals,
        "What waits for approval",
        answers.Page[answers.Request],
        query=asks.ApprovalsAsk,
        right="look",
    ),
    Route(
        "POST",
        "/approvals/batch",
        act.approve_many,
        "Yes to many, or what that would come to",
        answers.Batch,
        body=asks.BatchAsk,
        refusals=(409,),
        right="approve",
    ),
    Route("GET", "/cases", look.list_cases, "Cases", answers.Page[answers.Case], query=asks.CasesAsk, right="look"),
    Route("GET", "/cases/{id}", look.show_case, "One case", answers.CaseDetail, right="look"),
    *(
        Route(
            "POST",
            f"/cases/{{id}}/{verb}",
            function,
            summary,
            answers.CaseDetail,
            body=body,
            refusals=NOT_THERE_OR_NOT_NOW,
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
        refusals=NOT_THERE_OR_NOT_NOW,
        right="act",
    ),
    Route(
        "GET",
        "/replays",
        look.list_replays,
        "Replays",
        answers.Page[answers.Replay],
        query=asks.ReplaysAsk,
        right="look",
    ),
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
    Route("GET", "/replays/{id}", look.show_replay, "Plan, progress and failures", answers.Replay, right="look"),
    *(
        Route(
            "POST",
            f"/replays/{{id}}/{verb}",
            function,
            summary,
            answers.Replay,
            body=asks.Change,
            refusals=NOT_THERE_OR_NOT_NOW,
            right="act",
        )
        for verb, function, summary in (
            ("start", act.start_replay, "Start a planned replay"),
            ("pause", act.pause_replay, "Hold a running replay"),
            ("resume", act.resume_replay, "Let a paused replay go on where it was"),
            ("cancel", act.cancel_replay, "Stop a replay"),
        )
    ),
    Route(
        "GET",
        "/reversals",
        look.list_reversals,
        "Reversals",
        answers.Page[answers.Reversal],
        query=asks.ReversalsAsk,
        right="look",
    ),
    Route(
        "POST",
        "/reversals",
        act.plan_reversal,
        "Take many writes back by filter, or only plan it",
        answers.Reversal,
        body=asks.ReversalsPlanAsk,
        refusals=(409,),
        right="control",
    ),
    Route(
        "GET",
        "/reversals/{id}",
        look.show_reversal,
        "Plan, report, what was kept and why",
        answers.Reversal,
        right="look",
    ),
    *(
        Route(
            "POST",
            f"/reversals/{{id}}/{verb}",
            function,
            summary,
            answers.Reversal,
            body=asks.Change,
            refusals=NOT_THERE_OR_NOT_NOW,
            right="control",
        )
        for verb, function, summary in (
            ("start", act.start_reversal, "Start a planned reversal"),
            ("pause", act.pause_reversal, "Hold a running reversal"),
            ("resume", act.resume_reversal, "Let a paused reversal go on where it was"),
            ("cancel", act.cancel_reversal, "Stop a reversal"),
        )
    ),
    *fix.ROUTES,
    *control.ROUTES,
    *judge.ROUTES,
    Route(
        "GET", "/owners", look.list_owners, "Who answers for which failure", answers.Page[answers.Owner], right="look"
    ),
    Route("GET", "/handlers", look.list_handlers, "The workflows", answers.Page[answers.Handler], right="look"),
    Route(
        "GET", "/stats", look.show_stats, "The numbers of a window", answers.Stats, query=asks.StatsAsk, right="look"
    ),
    *reports.ROUTES,
    *people.ROUTES,
)
