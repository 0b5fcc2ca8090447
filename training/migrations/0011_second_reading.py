from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('training', '0010_experiment_end_reason'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='example',
            options={'ordering': ['id'], 'permissions': [('review_example', 'Can review what conversations propose'), ('propose_chat', 'Can propose a conversation for review'), ('approve_example', 'Can approve examples of others')], 'verbose_name': 'example', 'verbose_name_plural': 'examples'},
        ),
        migrations.AddField(
            model_name='reviewitem',
            name='is_read_again',
            field=models.BooleanField(db_index=True, default=False),
        ),
    ]
