"""The pace of SMTP accounts whose server asked to slow down."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    op.add_column('smtp_account', sa.Column('slow_factor', sa.SmallInteger(), nullable=False, server_default='1'))
    op.add_column('smtp_account', sa.Column('slow_from_per_hour', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('smtp_account', sa.Column('slow_changed_at', MOMENT, nullable=True))


def downgrade() -> None:
    op.drop_column('smtp_account', 'slow_changed_at')
    op.drop_column('smtp_account', 'slow_from_per_hour')
    op.drop_column('smtp_account', 'slow_factor')
