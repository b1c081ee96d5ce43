"""A column for small pictures beside the hashes; without a default, so no row is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recommender', '0004_calibration_and_pictures'),
    ]

    operations = [
        migrations.AddField(
            model_name='photohash',
            name='small',
            field=models.BinaryField(help_text='16 × 16 pixels of three bytes; empty until the file was compared with a near one.', null=True),
        ),
    ]
