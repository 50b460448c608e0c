"""Words that ask for one kind of answer and nothing else, and words that ask for what cannot be told."""

from __future__ import annotations

from typing import Literal

Topic = Literal["loudness", "talker", "words", "room", "listener", "ratio", "other"]
"""What cannot be told: the reason that is given goes by it."""

_SIZE = r"(big|large|small|tiny|huge|size|volume|dimensions|spacious)"
_PLACE = r"(room|hall|space|place|church|cathedral|studio|chamber|office|bathroom|kitchen)"
_LINK = r"('s| is| was| does| of| an?| the| this| that| our| my| would| very| rather| quite| really)*"
SILENCE = r"\b(silen(t|ce)|quiet|pauses?)\b"
_MANY = r"\b(how many|number of|count|most)\b"
_AT_ONCE = r"\b(once|same time|simultaneous\w*|at a time|together)\b"
_ACTS = r"(hear|heard|play|plays|playing|sounds?|sounding)"
KINDS: tuple[tuple[str, str], ...] = (
    ("drr", r"\bdrr\b|direct[- ]to[- ]reverberant|\bdirect sound\b"),
    ("clarity", r"\bc50\b|\bclarity\b"),
    (
        "reverberation",
        r"reverb|\becho|\br?t60\b|\bdry\b|\bdecay time\b|\bdies? (away|out|down)\b|"
        r"\b(un)?damp(ed|ened)\b|\babsorb\w*|\bboomy\b",
    ),
    (
        "room_size",
        rf"\bcubic\b|\b(what|which)('s| is| was)? (the |its )?volume\b|"
        rf"^(is|was) (this|that|it|the {_PLACE}) (in |inside )?an? (\w+ )?{_PLACE}\b|"
        rf"\b(bigg|small|larg)er than .*(\bm3\b|\bm³|{_PLACE})|"
        rf"^(?!.*\b(where|when|there|hear)\b).*(\b{_SIZE}{_LINK} {_PLACE}\b|\b{_PLACE}{_LINK} {_SIZE}\b)",
    ),
    ("where", r"\bhow many degrees\b|\boctant\b|\bof the eight directions\b|\bwhereabouts\b"),
    (
        "how_far",
        r"\bhow (near|close)\b|\b(what|which) range\b|\bdistan|\bmet(re|er)s\b|(?<!so )\bfar\b|"
        r"\b(near|clos|farth|furth)e(r|st)\b|near or",
    ),
    ("count_at_once", rf"{_MANY}.*{_AT_ONCE}|\boverlap|^(is|are|do|does|did|can|were) .*{_AT_ONCE}"),
    ("when", rf"\bhow (long|often|many (times|seconds))\b|{SILENCE}"),
    ("count_classes", rf"{_MANY}.*\b(kinds?|types?|sorts?|class(es)?) of (sounds?|sources?|noises?)\b"),
    ("count_in_all", r"\bhow many\b|\bnumber of\b|\bcount (all|the|how|up|every)\b|^count\b"),
    ("when", r"\bwhen\b|\bwhat time\b|\b(at|in) (which|what) (time|second|moment)\b|\bwhich seconds?\b"),
    (
        "where",
        r"\bwhere\b|\bdirection\b|\bwhich (side|way)\b|\bazimuth\b|\belevation\b|\b(left|right) or\b|\bsame place\b|"
        r"\b(what|which) (\w+ )?(angle|bearing|heading)\b|\bbearing\b|\bangle of\b",
    ),
    (
        "when",
        r"\b(order|sequence) (of|in which) .*\b(sounds?|sources?|noises?)\b|\b(in )?(which|what) order\b|"
        r"\b(starts?|begins?|stops?|ends?|onset|duration)\b|\btimes (of|at which)\b|\bduring which (time|seconds)\b",
    ),
    ("when", r"^(what|which|who)\b.*\b(first|last|next)\b|^(what|which|who|is|was|do|does|did)\b.*\b(after|before)\b"),
    (
        "what",
        r"\bwhat (do|can|did) (you|i|we) hear\b|\bwhat (you|i|we) (can )?hear\b|"
        r"^what('s| is| was) (it|this|that)$|\b(happening|going on)\b",
    ),
    (
        "what",
        rf"^(please )?(name|list|describe|enumerate|identify)\b.*\b({_ACTS}|sounds|sources|noises|everything|all)\b",
    ),
    ("where", r"^(now |please |for this recording )*(find|locate|locali[sz]e|point (to|at))\b"),
    ("what", r"\bwhat (is|was) (in (the|this) (recording|clip|audio|file)|sounding|audible)\b"),
    ("what", r"\b(what|which) (kinds? of )?(sounds?|sources?|noises?)\b"),
    ("what", rf"^(what|which) \w+ (is|are|do|does|can) .*\b{_ACTS}$"),
    ("where", r"\bcom(e|es|ing) from\b"),
)
"""Kinds of answer by the words that ask for nothing else, in the order to try."""
_THE_TALKER = r"(the|that|this) (?:(\w+ )?(?:speaker|talker|voice|person|man|woman)(?: (?:talking|speaking))?)"
UNTELLABLE: tuple[tuple[Topic, str], ...] = (
    (
        "loudness",
        r"\bhow loud\b|^(is|are) .*\bloud\b|\bloud(er|est|ness)\b|\b(quiet|soft)(er|est)\b|\bdecibels? spl\b|"
        rf"\bhow many decibels\b(?!.*\b(direct|reverb\w*)\b)|\bvolume of (?!.*\b{_PLACE}\b)",
    ),
    (
        "talker",
        r"\b((fe)?male or (fe)?male|(wo)?man or (a )?(wo)?man|gender|how old)\b|"
        r"^(is|was|are|were) (the |that |this )?(speaker|talker|voice|person|people|it|she|he)s? (talking |speaking )?"
        r"(an? )?(young |old |elderly |adult )?"
        r"(man|woman|(fe)?male|men|women|boy|girl|child|kid|adult|lady|young|old|elderly)$|"
        rf"\bwho (is|was) {_THE_TALKER}$|\bwho {_THE_TALKER} (is|was)$|\bname of {_THE_TALKER}\b|"
        r"\b(famous|celebrity)\b|"
        rf"\b(i|we) know {_THE_TALKER}\b|\b(which|what) person (is )?{_THE_TALKER}\b|"
        r"\b(happy|sad|angry)\b|\bborn\b|\blives? in\b|\bwho (is|am|are) (you|i|we)\b|\bname of the (speaker|talker)\b",
    ),
    (
        "words",
        r"\blanguage\b|\baccent\b|\bwhat\b.*\b(say|says|saying|said|talking about)\b|\btranscri\w+|\bwhat words\b",
    ),
    (
        "room",
        rf"\bceiling\b|\bhow (high|tall|long|wide|deep|broad) (is|was) (the|this|that|our) {_PLACE}$|"
        rf"\b(height|width|length|shape) of (the|this) {_PLACE}\b|\bhow many (rooms|walls|windows|doors)\b|"
        r"\b(carpet|furnitur|furnish|temperature|wallpaper)\w*|\bwalls? made\b|\bwhat material\b",
    ),
    ("listener", r"\bwhere (am|are) (i|we|you)\b|\bwhich (city|country|town)\b"),
    (
        "other",
        r"\bwhy \w|\bwhat shape\b|\blooks? like\b|\bin the shade\b|"
        r"\b(heavy|weighs?|weight|yesterday|tomorrow|next week)\b|"
        r"\bcolou?r\b|\b(in|out)doors?\b|\boutside\b",
    ),
)
"""What is never in the sound for us, in the order to try; it goes before every kind."""
