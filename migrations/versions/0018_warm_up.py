"""The warm-up of SMTP accounts."""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('smtp_account', sa.Column('warm_up_begins_on', sa.Date(), nullable=True))
    op.add_column('smtp_account', sa.Column('warm_up_first_day', sa.Integer(), nullable=False, server_default='50'))
    op.add_column('smtp_account', sa.Column('warm_up_growth_percent', sa.Integer(), nullable=False, server_default='30'))


def downgrade() -> None:
    op.drop_column('smtp_account', 'warm_up_growth_percent')
    op.drop_column('smtp_account', 'warm_up_first_day')
    op.drop_column('smtp_account', 'warm_up_begins_on')
