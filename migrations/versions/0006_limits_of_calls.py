"""What calls are counted by: the class of the number, and the target.

Revision: 0006, after 0005
Made: 2026-11-28 03:30:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    for name, length in (("number_class", 16), ("target", 264)):
        op.add_column(
            "calls", sa.Column(name, sa.String(length=length), server_default="", nullable=False)
        )
    op.create_index("ix_calls_target_newest", "calls", ["target", "created_at"])


def downgrade():
    op.execute("UPDATE calls SET outcome = 'busy' WHERE outcome = 'stopped'")
    op.execute("DELETE FROM settings WHERE name IN ('dial_permissions', 'dialling_stopped')")
    op.drop_index("ix_calls_target_newest", "calls")
    op.drop_column("calls", "target")
    op.drop_column("calls", "number_class")
