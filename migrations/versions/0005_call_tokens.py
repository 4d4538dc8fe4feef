"""Call tokens, and why a call ended.

Revision: 0005, after 0004
Made: 2026-11-28 03:10:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "calls", sa.Column("cause", sa.String(length=16), server_default="", nullable=False)
    )
    op.add_column("calls", sa.Column("token_hash", sa.String(length=64), nullable=True))
    op.create_index("ix_calls_token_hash", "calls", ["token_hash"], unique=True)


def downgrade():
    op.drop_index("ix_calls_token_hash", "calls")
    op.drop_column("calls", "token_hash")
    op.drop_column("calls", "cause")
