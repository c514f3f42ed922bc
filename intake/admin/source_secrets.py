"""Secrets of sources: written, made and shown once, taken over with an overlap, ended. Never read again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import Http404

from infra_shared.admin.api_keys import NO_STORE
from infra_shared.admin.base import ConsoleAdmin, actor
from intake.admin.source_words import PROVIDER_MAKES_SECRET, SET_UP
from intake.errors import IntakeInvalidError
from intake.services.addresses import worker_url
from intake.services.sources import DEFAULT_OVERLAP, end_secret, rotate_secret

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from intake.models import Source

_OVERLAPS = {
    timedelta(0): "Not at all: it ends now",
    timedelta(hours=1): "For one hour",
    timedelta(days=1): "For one day",
    timedelta(days=7): "For seven days",
    timedelta(days=30): "For thirty days",
}


class RotationForm(forms.Form):
    """The next secret, and how long the present ones go on."""

    secret = forms.CharField(
        required=False,
        max_length=500,
        label="New secret",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    overlap = forms.TypedChoiceField(
        choices=[(int(overlap.total_seconds()), words) for overlap, words in _OVERLAPS.items()],
        coerce=int,
        initial=int(DEFAULT_OVERLAP.total_seconds()),
        widget=forms.RadioSelect,
        label="The present secrets go on",
        help_text="As long as the sender may still sign with one of them.",
    )


class SourceSecrets(ConsoleAdmin):
    """The pages about a source's secrets."""

    def extra_pages(self) -> list[tuple[str, Any, str]]:
        """Taking over, and ending."""
        return [
            ("<int:pk>/rotate/", self.rotate_view, "rotate"),
            ("<int:pk>/secrets/<int:secret_pk>/end/", self.end_secret_view, "end_secret"),
            *super().extra_pages(),
        ]

    def present(self, request: HttpRequest, pk: int) -> Source:
        """The source of a page that changes it; Http404 for one that is deleted."""
        source: Source = self.found(request, pk)
        if source.deleted_at is not None:
            msg = f"The source {pk} is deleted."
            raise Http404(msg)
        return source

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the next secret, or make one; the present ones end after an overlap."""
        self.require(request, "change")
        source = self.present(request, pk)
        form = RotationForm(request.POST or None)
        is_theirs = source.scheme in PROVIDER_MAKES_SECRET
        form.fields["secret"].required = is_theirs
        form.fields["secret"].help_text = (
            SET_UP[source.scheme] if is_theirs else "Empty: one is made, and shown once."
        )
        if form.is_valid():
            overlap = timedelta(seconds=form.cleaned_data["overlap"])
            try:
                _, made = rotate_secret(
                    source=source, actor=actor(request), secret=form.cleaned_data["secret"], overlap=overlap
                )
            except IntakeInvalidError as error:
                for problem in error.problems:
                    form.add_error(problem.field if problem.field in form.fields else None, problem.message)
            else:
                return self.secret_taken(request, source, made, "The secret is set.")
        return self.page(
            request,
            "review/form.html",
            title=f"New secret for {source}",
            form=form,
            submit="Take it",
            back=self.url("change", pk),
            status=422 if form.is_bound else 200,
        )

    def end_secret_view(self, request: HttpRequest, pk: int, secret_pk: int) -> HttpResponse:
        """End one secret now, after asking."""
        self.require(request, "change")
        source, back = self.present(request, pk), self.url("change", pk)
        secret = source.secrets.filter(pk=secret_pk).select_related("source").first()
        if secret is None:
            raise Http404("There is no such secret.")
        if request.method != "POST":
            return self.page(
                request,
                "review/form.html",
                title=f"End a secret of {source}",
                form=forms.Form(),
                submit="End it now",
                back=back,
                warning="The edge refuses what is signed with it from then on. This cannot be undone.",
            )
        try:
            ended = end_secret(secret=secret, actor=actor(request))
        except IntakeInvalidError as error:
            return self.refused(request, " ".join(problem.message for problem in error.problems), back)
        if not ended:
            return self.refused(request, "The secret had ended already.", back)
        return self.done(request, "The secret has ended.", back)

    def secret_taken(self, request: HttpRequest, source: Source, made: str, said: str) -> HttpResponse:
        """Go on to the source; a secret that was made here is shown first, once, on a page kept in no cache."""
        if not made:
            return self.done(request, said, self.url("change", source.pk))
        if source.scheme in PROVIDER_MAKES_SECRET:
            words = f"{said} Set it up at the provider, then press “New secret” and enter the one it shows."
            return self.done(request, words, self.url("change", source.pk))
        base = worker_url()
        response = self.page(
            request,
            "review/intake/source/secret.html",
            title=str(source),
            source=source,
            secret=made,
            how=SET_UP[source.scheme],
            address=f"{base}/hooks/{source.slug}" if base else "",
        )
        response.headers["Cache-Control"] = NO_STORE
        return response
