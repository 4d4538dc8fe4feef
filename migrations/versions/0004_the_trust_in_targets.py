"""What a phone system has to show over https.

Revision: 0004, after 0003
Made: 2026-11-28 03:40:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ONE_OF_THEM = "trust_mode IN ('system', 'pin', 'authority', 'unverified')"


def upgrade():
    is_known = sa.CheckConstraint(_ONE_OF_THEM, name=op.f("ck_targets_trustmode"))
    for column in (
        sa.Column("trust_mode", sa.String(32), is_known, nullable=False, server_default="system"),
        sa.Column("fingerprint", sa.String(64), nullable=False, server_default=""),
        sa.Column("authority", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("targets", column)


def downgrade():
    op.execute("UPDATE calls SET outcome = 'certificate' WHERE outcome LIKE 'certificate-%'")
    for name in ("trust_mode", "fingerprint", "authority"):
        op.drop_column("targets", name)
