"""The cards of the campaigns: when the numbers of a campaign last moved, and the orders that people choose."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')
    op.add_column('campaign_progress', sa.Column('moved_at', moment, nullable=True))
    op.create_index('ix_campaign_created_at', 'campaign', ['created_at'], unique=False)
    op.create_index('ix_campaign_changed_at', 'campaign', ['changed_at'], unique=False)
    op.create_index('ix_campaign_created_by', 'campaign', ['created_by'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_campaign_created_by', 'campaign')
    op.drop_index('ix_campaign_changed_at', 'campaign')
    op.drop_index('ix_campaign_created_at', 'campaign')
    op.drop_column('campaign_progress', 'moved_at')
