"""The people who sign in here, and their groups."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.urls import reverse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from infra_shared.admin.base import actor
from infra_shared.admin.operator_form import NEW_SECTIONS, SECTIONS, WORDS, NewOperatorForm, OperatorForm
from infra_shared.admin.operator_sign_in import SignInHelp
from infra_shared.models import OperatorReach
from infra_shared.reach import reaches_all
from infra_shared.services import audit
from infra_shared.templatetags.console import NOTHING, when

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

NO_PAIRS_OF_LISTS: tuple[str, ...] = ()
"""The stock pair of lists can be read neither by a screen reader nor in the dark."""

admin.site.unregister(User)
admin.site.unregister(Group)


class _OfAll(ModelAdmin):
    """Pages for those alone who reach every customer: whoever is narrowed must not widen that here."""

    list_title = ""
    new_title = ""
    list_fullwidth = True
    sortable_by: Any = ()
    change_list_template: Any = "review/change_list.html"
    filter_horizontal: Any = NO_PAIRS_OF_LISTS
    show_add_link = False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form, with its place in the console and one way to save it."""
        found = self.get_object(request, object_id) if object_id else None
        context = {
            "section": (self.list_title, reverse(f"admin:auth_{self.opts.model_name}_changelist")),
            "title": str(found) if found is not None else self.new_title,
            "subtitle": None,
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        answer: HttpResponse = super().changeform_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )
        return answer

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Boxes to tick: in a list that scrolls, one slip of a finger takes away all that was chosen.

        Of all permissions those that open something in this console.
        """
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        if db_field.name == "groups":
            return db_field.formfield(**{"help_text": "What the operator may do.", **kwargs})
        field = db_field.formfield(**{"help_text": "", **kwargs, "queryset": _permissions_of_the_console()})
        field.label_from_instance = _permission_in_words
        return field

    def log_addition(self, request: Any, obj: Any, message: Any) -> Any:
        """Nothing: the audit log tells, and Django's own log would be a second one."""

    def log_change(self, request: Any, obj: Any, message: Any) -> Any:
        """Nothing, for the same reason."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may look."""
        return reaches_all(request.user) and bool(super().has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the operator may add one."""
        return reaches_all(request.user) and bool(super().has_add_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may change it; an account that may do everything is changed by its equals alone."""
        if getattr(obj, "is_superuser", False) and not request.user.is_superuser:
            return False
        return reaches_all(request.user) and bool(super().has_change_permission(request, obj))


@admin.register(User)
class OperatorAdmin(SignInHelp, _OfAll, StockUserAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Accounts of operators. They are deactivated, never deleted: the audit log names them."""

    form = OperatorForm
    add_form = NewOperatorForm
    add_form_template = "admin/change_form.html"  # its own for accounts promises a second page of options
    add_fieldsets = NEW_SECTIONS
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_active", "may_do_everything", "seen")
    list_title = "Operators"
    new_title = "New operator"
    list_filter = ("is_active", "is_superuser")
    empty_value_display = NOTHING
    fieldsets = SECTIONS

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """What was, is written by nobody; only who may do everything can give somebody more than a role."""
        more = () if request.user.is_superuser else ("is_superuser", "user_permissions", "is_staff")
        return ("seen", "added", *more)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A field in the console's words."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in WORDS:
            field.label, field.help_text = WORDS[db_field.name]
        return field

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under the word the console uses for accounts."""
        add = reverse("admin:auth_user_add")
        tools = [("New operator", add)] if self.has_add_permission(request) else []
        response: HttpResponse = super().changelist_view(request, {"title": "Operators", "tools": tools})
        return response

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With the roles of each."""
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("groups")

    @admin.display(description="Roles")
    def roles(self, operator: User) -> str:
        """The groups it belongs to."""
        return ", ".join(sorted(group.name for group in operator.groups.all())) or NOTHING

    @admin.display(description="May do everything", boolean=True)
    def may_do_everything(self, operator: User) -> bool:
        """Whether no permission is asked of it."""
        return operator.is_superuser

    @admin.display(description="Added")
    def added(self, operator: User) -> str:
        """When the account was made."""
        return when(operator.date_joined)

    @admin.display(description="Last sign-in")
    def seen(self, operator: User) -> str:
        """When it last signed in."""
        return when(operator.last_login, empty="never")

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """No: an account that ended is deactivated."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the account with its line in the audit log; whoever is added here may sign in."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)
        if "customers" in form.cleaned_data:
            _set_reach(obj, form.cleaned_data["customers"])
        action = "operator.change" if change else "operator.create"
        _note(request, action, obj, changed=sorted(form.changed_data))

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's signature
        """Give a colleague a new password, with its line in the audit log; it ends their sessions."""
        answer: HttpResponse = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
            _note(request, "operator.new_password", User.objects.get(pk=id))
        return answer


@admin.register(Group)
class RoleAdmin(_OfAll, StockGroupAdmin):
    """Groups of permissions, given to operators."""

    list_title = "Roles"
    new_title = "New role"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under the word the console uses for groups."""
        add = reverse("admin:auth_group_add")
        tools = [("New role", add)] if self.has_add_permission(request) else []
        response: HttpResponse = super().changelist_view(request, {"title": "Roles", "tools": tools})
        return response

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the role's permissions, with a line in the audit log that names those it has now."""
        super().save_related(request, form, formsets, change)
        role: Group = form.instance
        held = sorted(
            f"{app}.{name}"
            for app, name in role.permissions.values_list("content_type__app_label", "codename")
        )
        _note_role(request, "role.change" if change else "role.create", role, permissions=held)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """No: a role that nobody should hold is taken from its holders, who are seen there."""
        return False


def _note(request: HttpRequest, action: str, operator: User, **details: object) -> None:
    audit.record(
        actor=actor(request),
        action=action,
        object_kind="operator",
        object_id=operator.pk,
        details={"username": operator.username, **details},
    )


def _note_role(request: HttpRequest, action: str, role: Group, **details: object) -> None:
    audit.record(
        actor=actor(request),
        action=action,
        object_kind="role",
        object_id=role.pk,
        details={"name": role.name, **details},
    )


def _permissions_of_the_console() -> QuerySet[Permission]:
    """The permissions of models that have pages here."""
    kinds = ContentType.objects.get_for_models(*admin.site._registry)
    shown = [kind.pk for kind in kinds.values()]
    return Permission.objects.filter(content_type__in=shown).select_related("content_type")


def _permission_in_words(permission: Permission) -> str:
    """What a permission opens, after what it is about: "Alerts: handle alerts"."""
    about = permission.content_type.model_class()
    thing = (
        capfirst(str(about._meta.verbose_name_plural)) if about is not None else permission.content_type.model
    )
    return f"{thing}: {permission.name.removeprefix('Can ')}"


def _set_reach(user: User, customers: list[str]) -> None:
    """Narrow an account to these customers; an empty list takes the limit away."""
    if customers:
        OperatorReach.objects.update_or_create(user=user, defaults={"customers": customers})
    else:
        OperatorReach.objects.filter(user=user).delete()
