"""What all gateways of a Twilio account together may send."""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('account_limit',
    sa.Column('account_sid', sa.String(length=34), nullable=False),
    sa.Column('per_second', sa.Integer(), nullable=True),
    sa.Column('per_minute', sa.Integer(), nullable=True),
    sa.Column('per_hour', sa.Integer(), nullable=True),
    sa.Column('per_day', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('account_sid')
    )


def downgrade() -> None:
    op.drop_table('account_limit')
