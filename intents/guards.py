"""What a sentence must not hold to be an order. The same for every engine, and deterministic (R6).

A guard never makes a reading better: it can only turn one down. So even the worst model lowers coverage and no more.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from intents.names import Names
from intents.reading import Reason
from intents.tokens import Sentence

SERVICE, ENVIRONMENT = "\ue000", "\ue001"  # stand for a name; private characters, which no sentence may hold


class Objection(NamedTuple):
    """Why a sentence is no order."""

    reason: Reason
    say: str


def _any(phrases: str) -> re.Pattern[str]:
    return re.compile(rf"(?<= )(?:{phrases})(?= )")


_POLITE = _any(
    "if possible|if you can|if you could|if you please|if you don't mind|when you can|when you have a moment|"
    "when you get a chance|(?:can|could|would|will) you|(?:would|do) you mind|i(?:'d| would) like(?: you)? to|"
    "we(?:'d| would) like(?: you)? to|(?:i|we) (?:want|need)(?: you)? to|let's|let us|go ahead and|for (?:me|us)|"
    "all (?:of )?(?:the )?(?:pods|replicas|instances) of|all \ue000 (?:pods|replicas|instances)|every pod (?:of|in)|"
    "(?:thanks|thank you|hi|hey|hello|good morning) (?:all|everyone|team|folks|a lot|so much)|"
    "(?:one|an?|another) (?:more |extra |additional )?(?:replica|pod|instance) (?:to|from|more|less|fewer)|"
    "(?:one|a|another) (?:more|extra|additional) (?:replica|pod|instance)|another (?:replica|pod|instance|one)"
)
_CHANGES = _any(
    "restart(?:ing|ed|s)?|bounc(?:e|ing|ed)|reboot(?:ing|ed)?|recycl(?:e|ing|ed)|deploy(?:ing|ed|s)?|redeploy(?:ed)?|ship(?:ping|ped)?|"
    "releas(?:e|ing|ed)|roll(?:ing|ed)?|rollout|rollback|rb|revert(?:ing|ed)?|undo(?:ing|ne)?|undid|promot(?:e|ing|ed)|push(?:ing|ed)?|"
    "publish|updat(?:e|ing|ed)|upgrad(?:e|ing|ed)|downgrad(?:e|ing|ed)|scal(?:e|ing|ed)|resiz(?:e|ing|ed)|set|bump(?:ing|ed)?|"
    "increas(?:e|ing|ed)|rais(?:e|ing|ed)|grow|decreas(?:e|ing|ed)|reduc(?:e|ing|ed)|lower|shrink|cut|doubl(?:e|ing|ed)|tripl(?:e|ing|ed)|"
    "quadruple|halv(?:e|ing|ed)|add(?:ing|ed)?|remov(?:e|ing|ed)|kill(?:ing|ed)?|spin|stop(?:ping|ped)?|start(?:ing)?|bring|take|make|put|"
    "get|move|switch|change|give|run|turn|→|kubectl|k|back"
)
_ORDER = _any(  # the words by which actions are counted: plain orders only
    "restart|bounce|reboot|recycle|deploy|redeploy|ship|release|rollout|rollback|rb|revert|undo|promote|push|upgrade|"
    "scale|resize|bump|double|triple|quadruple|halve|kill|delete|roll (?:back|out)|roll"
)
_READS = _any(
    "show|tell|check|status|logs?|errors?|history|metrics?|latency|p50|p95|p99|graph|investigate|triage|post|notify|"
    "announce|verify|test|watch|monitor|ping|page|let (?:me|us) know"
)

_APPROVAL = re.compile(
    r" (?:(?:i|we|yes|yep|yeah|sure|ok|okay|please|pls|and|the|this|that|it|request|change|all|plan|card|for|me|from|side|"
    r"my|your|just|now|go|to|looks|look|good|great|sgtm|lgtm|approved?|approve|approving|approves|approval|deny|denied|reject|rejected|"
    r"confirm|confirmed|confirming|do|ship|ahead|send|run|\+1|,|;|!|thanks|thx|us|with|fine|am|'m|auto|granted?|grant|"
    r"accept|accepted|authorize|authorized|authorise|authorised|signed|off|consider|y) )+",
)
_APPROVING = _any(
    "approved?|approve|approving|approves|approval|deny|denied|reject|rejected|lgtm|sgtm|confirm|confirmed|confirming|"
    "ship it|go ahead|do it|yes|yep|yeah|\\+1|looks good|authori[sz]ed?|accept|accepted|granted?|sign(?:ed)? off|shipit"
)
_APPROVE_ANYWHERE = _any(
    "(?:pre-?)?approve|approved|approving|approves|auto-?approve|self-?approve|deny|lgtm|sgtm|approval|approvals|approver|approvers"
)

_INJECTION = _any(
    "ignore (?:all |any |the |your |my |previous |prior |above )+(?:instructions?|rules?|prompts?|messages?|text|guards?|guardrails?|policy|policies|safety)?|"
    "disregard|system prompt|system :|you are now|you're now|pretend|act as|jailbreak|developer mode|as an ai|"
    "new instructions?|override|bypass|skip (?:the )?(?:approvals?|checks?|policy|review)|no approval needed|"
    "forget (?:everything|all|your|previous)|sudo|<\\|im_start\\|>|\\[inst\\]|assistant :|base64|force"
)
_DANGER = _any(
    "delete|destroy|drop|wipe|purge|truncate|erase|nuke|obliterate|exec|ssh|shell|bash|rm|rm -rf|curl|wget|secrets?|passwords?|"
    "credentials?|api keys?|tokens?|private keys?|env vars?|environment variables|kubeconfig|cordon|drain|evict|uncordon|taint|"
    "sql|database|databases|db|table|tables|namespace|namespaces|cluster-admin|rbac|rolebinding|iam|port-forward|"
    "disable|shut down|shutdown|turn off|take down|tear down|terminate|kill all|format|hack|exploit|ddos|crash"
)
_REALLY_DANGEROUS = _any(
    "delete|destroy|drop|wipe|purge|truncate|erase|nuke|obliterate|exec|ssh|shell|bash|rm|curl|wget|secrets?|passwords?|"
    "credentials?|api keys?|private keys?|env vars?|environment variables|kubeconfig|cluster-admin|hack|exploit|ddos|"
    "tear down|destroying|deleting|dropping|wiping|sudo"
)
_NEGATION = _any(
    r"not|no|never|none|nobody|nothing|neither|nor|without|except|excluding|but|instead(?: of)?|rather than|avoid|hold off|abort|"
    r"cancel|nevermind|never mind|no longer|wait|forget it|forget|scratch that|disregard|refrain|skip|ignore|"
    r"(?:do|does|did|is|are|was|were|should|would|could|wo|ca|must|need|have|has)n['’]?t|don't|dont|doesnt|didnt|wont|cant|can't|"
    r"cannot|shouldnt|won't|stop|leave|unwanted|hold|hands off|keep|prevent|block|less than"
)
_CONDITION = _any(
    "if|unless|when|whenever|once|until|till|in case|otherwise|as soon as|provided|providing|assuming|suppose|supposing|"
    "should|shall|would|could|might|may|maybe|perhaps|probably|hypothetically|imagine|whether|depending|depends|else|"
    "what if|say we|wonder(?:ing)?|consider(?:ing)?|think(?:ing)?|thought|guess|while|as long as|where|wherever|ought|possibly|"
    "what happens|what would|in the event|only if|or else|so that"
)
_QUESTION = _any(
    "how (?:do|does|can|could|should|would|to|did)|(?:can|could|may|do|did|does|am|are|is|was|were|has|have|had|must) (?:i|we|you|they|he|she|somebody|anyone|it|this|there)|"
    "who|why|what|which|whom|whose|how|is|are|was|were|does|did|possible|safe|okay to|ok to|allowed|explain|difference|"
    "documentation|docs|example|tutorial|mean|means"
)
_SCHEDULE = _any(
    r"tomorrow|tonight|later|today|this (?:evening|afternoon|morning|weekend|week|month)|next (?:\w+)|"
    r"(?:on |by |this |every |until )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|tues|wed|thu|thurs|fri|sat)s?|"
    r"(?:at|by|around|after|before|until|from|since|till) (?:about |around )?(?:\d{1,2}(?::\d\d)? ?(?:am|pm|a\.m|p\.m|utc|cet|gmt|est|pst)|\d{1,2}:\d\d|noon|midnight|lunch|dinner|work|hours|eod|cob|deploy|release|standup|demo)|"
    r"\d{1,2}:\d\d(?:am|pm)?|\d{1,2} ?(?:am|pm)|o'clock|noon|midnight|lunch|eod|soon|shortly|eventually|afterwards?|beforehand|"
    r"(?:in|within|after|every|for|during) (?:the |about |another |next )*(?:an?|\d+|one|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty|half|few|couple)[ a-z]{0,14}? ?(?:s|sec|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|while|bit)|"
    r"in \d+(?:s|m|h|d|min|mins)|for \d+(?:s|m|h|d|min|mins)|every|daily|nightly|weekly|hourly|monthly|periodically|regularly|always|"
    r"after|before|first thing|at night|overnight|off-?peak|schedule|scheduled|cron|delay|postpone|temporarily|for now|for the|for a|"
    r"\d{4}-\d\d-\d\d|weekend|yesterday|ago|gradually|slowly|one by one|peak"
)
_SCOPE = _any(
    r"(?:one|a|an|single|1|two|2|some|any|first|last|each|few|several|half|most|the) (?:of |of the |of its |\ue000 |'s )*(?:pod|instance|container|node|zone|region|shard|host|machine|canary)s?|"
    r"\ue000 (?:'s )?(?:pod|container|instance|node|replica)|pod|node|nodes|canary|canaries|traffic|subset|zone|region|shard|shards|partially|partial|part of|"
    r"percentage|portion|eu|us|apac|emea|only|single|just (?:the|one)|half of|some of|first|blue|green|"
    r"(?:eu|us|ap|sa|ca|me|af)-[a-z]+(?:-\d\w?)?|container|sidecar|users?|customers?|tenants?|gradual|except for|"
    r"\d{1,3} ?% of|percent of|a third|a quarter|two thirds|max|min|maximum|minimum|at least|at most|between|about|roughly|"
    r"approximately|around|ish|or so|limit|memory|cpu|autoscaler|autoscaling|hpa|disk"
)
_PLURAL = _any(
    "all|every|everything|everywhere|each|both|any|anything|whatever|whichever|whole|entire|services|deployments|environments|apps|"
    "stuff|things|lot|fleet|backend|frontend|stack|every service|the rest|others?|everyone|them|these|those|random|one of"
)
_REPORT = _any(
    "i|we|he|she|they|someone|somebody|anybody|anyone|everybody|you|who|restarted|deployed|redeployed|scaled|rolled|shipped|released|"
    "reverted|promoted|pushed|upgraded|downgraded|bumped|updated|increased|decreased|reduced|doubled|tripled|halved|undid|undone|was|were|been|"
    "had|did|said|says|saying|told|tells|asked|asks|wrote|writes|wants|wanted|suggested|suggests|recommended|according|heard|"
    "happened|caused|broke|after we|restarts|deploys|scales|restarting|deploying|scaling|rolling|releasing|shipping|reverting|is|are|am|has|have|having|"
    "because|since|already|just now|used to|reported|reports|mentioned|runbook|docs|ticket|email|note|message|history|remember|remind|"
    "plan(?:ning)?|planned|going to|gonna|about to|will|to do|todo|my|@somebody|quote|translate|repeat|write|print|echo|define|joke|poem|story"
)
_AND = re.compile(r" (?:and|then|also|plus|&|&&|as well as|followed by|along with|or|afterwards|;|,) ")


class View:
    """A sentence with its names masked and its politeness taken out: what the guards look at."""

    def __init__(self, sentence: Sentence, names: Names) -> None:
        self.sentence = sentence
        self.services = names.mentioned_services(sentence.words)
        self.environments = names.mentioned_environments(sentence.words)
        words = list(sentence.words)
        for found, mask in ((self.environments, ENVIRONMENT), (self.services, SERVICE)):
            for named in found:
                words[named.start : named.end] = [mask, *[""] * (named.end - named.start - 1)]
        self.text = f" {' '.join(word for word in words if word)} "
        self.plain = f" {' '.join(_POLITE.sub(' ', self.text).split())} "
        self.raw = f" {' '.join(sentence.words)} "

    def wants_change(self) -> bool:
        """Whether any word speaks of changing something; a service's name is no such word."""
        return bool(_CHANGES.search(self.plain))

    def dangerous(self) -> bool:
        """Whether a word speaks of something that must never be done from a chat."""
        return bool(_REALLY_DANGEROUS.search(self.plain))


def never(view: View) -> Objection | None:
    """What turns any sentence down, also one that only looks: approvals in words, orders to the program itself."""
    if view.sentence.plain.hidden:
        return Objection(
            "unsafe",
            "That message holds hidden characters, so what it shows may not be what it says. Please type it again.",
        )
    bare = view.raw.replace(" ", "  ")
    if _APPROVING.search(view.raw) and _APPROVAL.fullmatch(bare):
        return Objection(
            "not_an_operation", "I never read an approval from words. Please press Approve or Deny on the card itself."
        )
    if _INJECTION.search(view.plain):
        return Objection(
            "unsafe",
            "I can't be told to work around my own rules. Say which service and environment, and what to do with it.",
        )
    return None


def order(view: View) -> Objection | None:
    """Why this sentence cannot be an order to change something; None where nothing speaks against it."""
    if view.sentence.plain.struck:
        return Objection(
            "negated", "Part of that is crossed out, so I do nothing. Write what you want on a line of its own."
        )
    for guard in (_approval, _danger, _negation, _quoted, _conditional, _report, _several, _plural, _schedule, _scope):
        found = guard(view)
        if found is not None:
            return found
    return None


def _approval(view: View) -> Objection | None:
    if _APPROVE_ANYWHERE.search(view.plain):
        return Objection(
            "not_an_operation", "I never read an approval from words. Please press Approve or Deny on the card itself."
        )
    return None


def _danger(view: View) -> Objection | None:
    if _DANGER.search(view.plain):
        return Objection(
            "unsafe",
            "That is nothing I do from a chat. I can deploy, roll back, scale or restart one service, and look at it.",
        )
    return None


def _negation(view: View) -> Objection | None:
    if _NEGATION.search(view.plain):
        return Objection(
            "negated",
            "I read that as something not to do, so I do nothing. Say it without the exception if you want it done.",
        )
    return None


def _quoted(view: View) -> Objection | None:
    for words in view.sentence.quoted:
        if len(words) > 1 and _CHANGES.search(f" {' '.join(words)} "):
            return Objection(
                "not_an_operation", "That order stands in quotation marks. Write it without them if you want it done."
            )
    return None


def _conditional(view: View) -> Objection | None:
    if _QUESTION.search(view.plain) and not re.search(r" (?:should|shall|would|if|what happens) ", view.plain):
        return Objection(
            "not_an_operation",
            "That asks about a change and does not order one. Say it plainly if you want it done: restart cart in staging.",
        )
    if _CONDITION.search(view.plain):
        return Objection(
            "conditional",
            "I can't wait for conditions or decide for you. Say plainly what to do now, or ask me to look first.",
        )
    return None


def _report(view: View) -> Objection | None:
    if _REPORT.search(view.plain):
        return Objection(
            "not_an_operation",
            "That sounds like a report, so I do nothing. Start with what to do if you want it done: restart cart in staging.",
        )
    return None


def _several(view: View) -> Objection | None:
    many = "That is more than one change. Please send them one by one; each gets a card of its own."
    services = {named.name for named in view.services}
    environments = {named.name for named in view.environments}
    counted = _orders(view)
    if len(environments) > 1 or counted > 1 or (len(services) > 1 and _AND.search(view.text)):
        return Objection("several_actions", many)
    if _AND.search(view.plain) and counted and _READS.search(view.plain):
        return Objection("several_actions", many)
    return None


def _orders(view: View) -> int:
    """How many orders are given; a phrase that holds two such words ("rollout restart") counts once."""
    one = _NOT_AN_ORDER.sub("restart", view.plain)
    return len(_ORDER.findall(one))


_NOT_AN_ORDER = _any(
    "(?:rolling|rollout) restart|rollout undo|(?:undo|revert|roll back|rollback) the (?:last|latest|most recent) "
    "(?:deploy|deployment|release|rollout|change)|(?:previous|prior|last) (?:deploy|release)|release (?=\\S*\\d)"
)


def _plural(view: View) -> Objection | None:
    if _PLURAL.search(view.plain):
        return Objection("unsupported", "I change one named service at a time. Say which one, and where.")
    return None


def _schedule(view: View) -> Objection | None:
    if _SCHEDULE.search(view.plain):
        return Objection("unsupported", "I can't do things later or for a while. Ask again when it should happen.")
    return None


def _scope(view: View) -> Objection | None:
    if _SCOPE.search(view.plain):
        return Objection(
            "unsupported",
            "I can't change a part of a service: no single pods, zones or shares of traffic. I can change all of it.",
        )
    return None


def read(view: View) -> Objection | None:
    """Why this sentence is not even a question to look something up."""
    if re.search(
        r" (?:do not|don't|dont|never|stop|no need to) (?:show|tell|post|give|look|check|run|fetch|send|list|get) ",
        view.plain,
    ):
        return Objection("negated", "I read that as something not to do, so I do nothing.")
    return None
