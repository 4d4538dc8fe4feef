"""Tries of passwords, and when a session last proved its password.

Revision: 0007, after 0006
Made: 2026-11-28 03:25:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "password_tries",
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name_hash", name="pk_password_tries"),
    )
    op.create_index("ix_password_tries_forgotten_at", "password_tries", ["forgotten_at"])
    op.add_column("user_sessions", sa.Column("confirmed_at", sa.DateTime(), nullable=True))


def downgrade():
    op.drop_column("user_sessions", "confirmed_at")
    op.drop_table("password_tries")
