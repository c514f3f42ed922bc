"""The ledger of one-time codes that were given out."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('automations', '0006_schedule_priority'),
    ]

    operations = [
        migrations.CreateModel(
            name='SpentCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('credential', models.CharField(max_length=100)),
                ('step', models.BigIntegerField(help_text='Unix time divided by the period of the codes, as RFC 6238 counts.')),
                ('taken_by', models.UUIDField(help_text='Of the one request that was given the code, however often it was tried.')),
                ('spent_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('credential', 'step'), name='a_code_is_given_out_once')],
            },
        ),
    ]
