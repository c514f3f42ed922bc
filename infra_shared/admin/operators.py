"""The people who sign in here, and their groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from infra_shared.admin.base import actor
from infra_shared.services import audit

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class OperatorAdmin(StockUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Accounts of operators. They are deactivated, never deleted: the audit log names them."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    list_fullwidth = True

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under the word the console uses for accounts."""
        response: HttpResponse = super().changelist_view(request, {"title": "Operators"})
        return response

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """No: an account that ended is deactivated."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """Save the account with its line in the audit log; whoever is added here may sign in."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)
        audit.record(
            actor=actor(request),
            action="operator.change" if change else "operator.create",
            object_kind="operator",
            object_id=obj.pk,
            details={"username": obj.username, "changed": sorted(form.changed_data)},
        )


@admin.register(Group)
class RoleAdmin(StockGroupAdmin, ModelAdmin):
    """Groups of permissions, given to operators."""

    list_fullwidth = True
