"""Allowed targets, and one word for a host name without address.

Revision: 0002, after 0001
Made: 2026-11-22 23:40:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "targets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.String(length=264), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name="fk_targets_created_by", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_targets"),
        sa.UniqueConstraint("entry", name="uq_targets_entry"),
    )
    op.execute("UPDATE calls SET outcome = 'dns-failed' WHERE outcome = 'name-not-found'")


def downgrade():
    op.execute("UPDATE calls SET outcome = 'name-not-found' WHERE outcome = 'dns-failed'")
    op.execute(
        "UPDATE calls SET outcome = 'unreachable' WHERE outcome IN "
        "('not-on-allow-list', 'port-not-allowed', 'address-never-allowed')"
    )
    op.execute("DELETE FROM settings WHERE name = 'targets_version'")
    op.drop_table("targets")
