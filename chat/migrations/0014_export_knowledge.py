from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0013_shadows'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='curatedanswer',
            options={'ordering': ['topic', 'key', 'pk'], 'permissions': [('export_knowledge', 'Can take approved answers out as a file')], 'verbose_name': 'curated answer', 'verbose_name_plural': 'curated answers'},
        ),
    ]
