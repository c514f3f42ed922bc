"""Credentials have a kind, may be kept in a vault, and are bound to sites, customers and automations."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


def keep_working(apps: Any, _schema_editor: Any) -> None:
    """Credentials from before went anywhere; they do so until somebody binds them."""
    apps.get_model("automations", "Credential").objects.update(any_site=True)


class Migration(migrations.Migration):

    dependencies = [
        ('automations', '0007_spent_codes'),
    ]

    operations = [
        migrations.AddField(
            model_name='credential',
            name='any_site',
            field=models.BooleanField(default=False, help_text='May go to any site at all.'),
        ),
        migrations.AddField(
            model_name='credential',
            name='automations',
            field=models.JSONField(blank=True, default=list, help_text='Keys of the automations it is for.'),
        ),
        migrations.AddField(
            model_name='credential',
            name='customers',
            field=models.JSONField(blank=True, default=list, help_text='Keys of the customers it is for.'),
        ),
        migrations.AlterField(
            model_name='credential',
            name='field_names',
            field=models.JSONField(blank=True, default=list, help_text='Names of the fields, so that screens can list them.'),
        ),
        migrations.AddField(
            model_name='credential',
            name='kind',
            field=models.CharField(choices=[('login', 'User name and password'), ('token', 'Token'), ('totp', 'One-time codes'), ('general', 'Fields of your own')], default='general', max_length=10),
        ),
        migrations.AddField(
            model_name='credential',
            name='reference',
            field=models.CharField(blank=True, help_text='Where a vault keeps the fields, such as env:CREDENTIAL_SHOP.', max_length=200),
        ),
        migrations.AddField(
            model_name='credential',
            name='sites',
            field=models.JSONField(blank=True, default=list, help_text='Origins it is bound to.'),
        ),
        migrations.RunPython(keep_working, migrations.RunPython.noop),
        migrations.CreateModel(
            name='CredentialUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('credential', models.CharField(max_length=100)),
                ('run_id', models.UUIDField()),
                ('attempt', models.PositiveIntegerField()),
                ('automation', models.CharField(max_length=100)),
                ('customer', models.CharField(max_length=63)),
                ('used_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'ordering': ('-pk',),
                'indexes': [models.Index(fields=['credential', '-id'], name='uses_of_a_credential')],
                'constraints': [models.UniqueConstraint(fields=('credential', 'run_id', 'attempt'), name='a_use_is_kept_once')],
            },
        ),
    ]
