"""Internal statuses on their way onto everybody who matches a filter."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    op.create_table('label_run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('internal_status_id', sa.Integer(), nullable=True),
    sa.Column('asked', sa.JSON(), nullable=False),
    sa.Column('last_seq', sa.Integer(), nullable=False),
    sa.Column('reached', sa.Integer(), nullable=False),
    sa.Column('marked', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', moment, nullable=False),
    sa.Column('moved_at', moment, nullable=False),
    sa.Column('finished_at', moment, nullable=True),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sqlite_autoincrement=True
    )
    op.create_index('ix_label_run_campaign_id', 'label_run', ['campaign_id'], unique=False)
    op.create_index('ix_label_run_finished_at', 'label_run', ['finished_at'], unique=False)


def downgrade() -> None:
    op.drop_table('label_run')
