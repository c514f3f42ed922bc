"""Recorded steps, one after the other, to the steps of a document; what has no counterpart is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from webgraph.documents.recordings import addresses
from webgraph.documents.recordings.keys import Keyboard
from webgraph.documents.recordings.names import name_from
from webgraph.documents.recordings.selectors import is_secret, target_of, words_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from webgraph.documents.recordings.format import RecordedStep

_LONG_PRESS_MILLISECONDS = 1000
_ELSEWHERE = (
    "It happens in another window or in a frame of another site, which a recording does not tell apart: "
    "write a `popup` step, or give its target a `frame`."
)
_PARAM = "{{ params."
_FAKE_PATH = "C:\\fakepath\\"
Step = dict[str, Any]


class Unsupported(NamedTuple):
    """Something recorded that the document does not hold. `number` counts the recording's steps from 1."""

    number: int
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"step {self.number} ({self.kind}): {self.reason}"


class Conversion:
    """Goes through a recording and collects what a document needs."""

    def __init__(self, *, base: str | None, credential: str) -> None:
        self._base = base
        self._credential = credential
        self._keyboard = Keyboard()
        self._number = 0
        self._filled: str | None = None
        self.steps: list[Step] = []
        self.targets: dict[str, dict[str, Any]] = {}
        self.params: dict[str, dict[str, Any]] = {}
        self.secrets: list[str] = []
        self.signs_in = False
        """Whether a step uses the credential: also where nothing was typed into a field for a password."""
        self.viewport: dict[str, int] | None = None
        self.unsupported: list[Unsupported] = []
        if base is not None:
            self.params["base_url"] = {"type": "url", "title": "Address of the site", "default": base}

    def take(self, step: RecordedStep) -> None:
        """Convert the next step of the recording."""
        self._number += 1
        filled, self._filled = self._filled, None
        maker = self._MAKERS.get(step.type)
        if maker is None:
            self._leave_out(step, "A flow has no such step.")
        elif step.target not in (None, "main"):
            self._leave_out(step, _ELSEWHERE)
        elif len(step.frame) > 1:
            self._leave_out(step, "It happens in a frame within a frame.")
        else:
            self._filled = filled if step.type == "change" else None
            maker(self, step)

    def _leave_out(self, step: RecordedStep, reason: str) -> None:
        self.unsupported.append(Unsupported(self._number, step.type, reason))

    def _add(self, recorded: RecordedStep, step: Step, *, acts: bool = True) -> None:
        if acts:
            step |= self._then(recorded)
        if recorded.timeout and recorded.timeout > 0:
            step["timeout_seconds"] = min(recorded.timeout / 1000, 3600)
        self.steps.append(step)

    def _then(self, recorded: RecordedStep) -> Step:
        then: Step = {}
        for event in recorded.asserted_events:
            if event.type != "navigation":
                self._leave_out(recorded, f"It asserts an event of the kind {event.type!r}.")
            elif addresses.is_web(event.url) and event.url is not None:
                if then:
                    self._leave_out(recorded, "It asserts more than one navigation; the first is taken.")
                    break
                then = {"then": {"url": addresses.reached(event.url, self._base)}}
        return then

    def _target(self, recorded: RecordedStep) -> str | None:
        """The name of the step's target, described once however often it is used."""
        target = target_of(recorded)
        if target is None:
            self._leave_out(recorded, "None of its selectors can be used.")
            return None
        for name, known in self.targets.items():
            if known == target:
                return name
        # `scroll: page` means the page, so that no target may bear this name.
        name = name_from(words_for(recorded), taken={*self.targets, "page"}, otherwise="thing")
        self.targets[name] = target
        return name

    def _viewport(self, recorded: RecordedStep) -> None:
        size = {"width": recorded.width or 0, "height": recorded.height or 0}
        if not (200 <= size["width"] <= 7680 and 200 <= size["height"] <= 4320):
            self._leave_out(recorded, "A window of this size cannot be had.")
        elif self.viewport is None:
            self.viewport = size
        elif self.viewport != size:
            self._leave_out(recorded, "The window keeps the size it begins with.")
        if recorded.is_mobile or recorded.has_touch or recorded.device_scale_factor != 1:
            self._leave_out(recorded, "Only the size is taken over: no touch, phone or pixel density.")

    def _navigate(self, recorded: RecordedStep) -> None:
        url = recorded.url or ""
        if not addresses.is_web(url):
            self._leave_out(recorded, "Only http and https addresses are opened.")
            return
        if addresses.holds_sign_in(url):
            self._leave_out(recorded, "The name and password in its address are left out.")
        step: Step = {"goto": addresses.written(url, self._base)}
        then = self._then(recorded)
        if then and not step["goto"].startswith(then["then"]["url"]):
            step |= then
        self._add(recorded, step, acts=False)

    def _click(self, recorded: RecordedStep, action: str = "click") -> None:
        if recorded.button != "primary":
            self._leave_out(recorded, f"It uses the {recorded.button} mouse button.")
            return
        if (recorded.duration or 0) > _LONG_PRESS_MILLISECONDS:
            self._leave_out(recorded, "It is clicked, but not held down as long as recorded.")
        target = self._target(recorded)
        if target is not None:
            self._add(recorded, {action: target})

    def _double_click(self, recorded: RecordedStep) -> None:
        self._click(recorded, "double_click")

    def _hover(self, recorded: RecordedStep) -> None:
        target = self._target(recorded)
        if target is not None:
            self._add(recorded, {"hover": target})

    def _scroll(self, recorded: RecordedStep) -> None:
        if recorded.frame and not recorded.selectors:
            self._leave_out(recorded, "It scrolls the page of a frame.")
            return
        target = self._target(recorded) if recorded.selectors else "page"
        if target is not None:
            place = {"x": recorded.x, "y": recorded.y}
            where = {axis: int(value) if value == int(value) else value for axis, value in place.items()}
            self._add(recorded, {"scroll": target, **where})

    def _change(self, recorded: RecordedStep) -> None:
        value = recorded.value or ""
        if value.startswith(_FAKE_PATH):
            self._leave_out(recorded, "It chooses a file; write an `upload` step in its place.")
            return
        target = self._target(recorded)
        if target is None:
            return
        earlier = ""
        if self._filled == target:  # Chrome wrote down a value that was not complete yet
            earlier = self.steps.pop()["with"]
        is_param = earlier.startswith(_PARAM)
        param = earlier.removeprefix(_PARAM).removesuffix(" }}") if is_param else None
        if is_secret(recorded) or value in self.secrets:
            if value and value not in self.secrets:
                self.secrets.append(value)
            if param is not None:
                del self.params[param]  # what it holds is the beginning of the secret
            self.signs_in = True
            words = f"{{{{ credential.{self._credential}.password }}}}"
        else:
            words = self._param(recorded, param, value)
        self._filled = target
        self._add(recorded, {"fill": target, "with": words})

    def _param(self, recorded: RecordedStep, name: str | None, value: str) -> str:
        """The variable for a typed value, which is its default; `name` is that of the value before it was complete."""
        if name is None:
            title = words_for(recorded)
            name = name_from(title, taken=self.params, otherwise="value")
            self.params[name] = {"title": title} if title else {}
        self.params[name]["default"] = value
        return f"{_PARAM}{name} }}}}"

    def _key_down(self, recorded: RecordedStep) -> None:
        self._pressed(recorded, self._keyboard.down(recorded.key or ""))

    def _key_up(self, recorded: RecordedStep) -> None:
        self._pressed(recorded, self._keyboard.up(recorded.key or ""))

    def _pressed(self, recorded: RecordedStep, key: str | None) -> None:
        if key:
            self._add(recorded, {"press": key})
        elif then := self._then(recorded):  # Enter went down in one step and navigated in the next
            if not self.steps:
                self._leave_out(recorded, "There is no step before it that could lead where it asserts.")
            elif "wait_for" in self.steps[-1]:
                self.steps.append({"wait_for": then["then"]})
            else:
                self.steps[-1] |= then

    def _wait_for_element(self, recorded: RecordedStep) -> None:
        if recorded.properties or recorded.attributes:
            self._leave_out(recorded, "It is waited for, but not for its properties and attributes.")
        wanted = _presence(recorded)
        if wanted is None:
            self._leave_out(recorded, f"It counts the elements ({recorded.operator} {recorded.count}).")
            return
        target = self._target(recorded)
        if target is not None:
            self._add(recorded, {"wait_for": {wanted: target}}, acts=False)

    def _wait_for_expression(self, recorded: RecordedStep) -> None:
        if recorded.frame or not recorded.expression:
            self._leave_out(recorded, "It is evaluated in a frame, or is empty.")
            return
        self._add(recorded, {"wait_for": {"expression": recorded.expression}}, acts=False)

    _MAKERS: ClassVar[dict[str, Callable[[Conversion, RecordedStep], None]]] = {
        "setViewport": _viewport,
        "navigate": _navigate,
        "click": _click,
        "doubleClick": _double_click,
        "hover": _hover,
        "scroll": _scroll,
        "change": _change,
        "keyDown": _key_down,
        "keyUp": _key_up,
        "waitForElement": _wait_for_element,
        "waitForExpression": _wait_for_expression,
    }


def _presence(recorded: RecordedStep) -> str | None:
    """Whether a recorded wait is for something to be there or not; None when it is for a certain number."""
    if recorded.visible is False:
        return "disappears"
    if recorded.count == 0 and recorded.operator in ("==", "<="):
        return "disappears"
    return "appears" if recorded.count == 1 and recorded.operator in ("==", ">=") else None
