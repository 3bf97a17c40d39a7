"""The pace of SMTP accounts to single recipient domains."""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('smtp_account', sa.Column('domain_paces', sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column('smtp_account', 'domain_paces')
