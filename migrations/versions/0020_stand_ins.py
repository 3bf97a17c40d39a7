"""Stand-ins of SMTP accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')


def upgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        # in place: a new table instead would take every row that hangs on the old one along
        op.execute('ALTER TABLE smtp_account ADD COLUMN stand_in_id INTEGER REFERENCES smtp_account (id)')
    else:
        op.add_column('smtp_account', sa.Column('stand_in_id', sa.Integer(), nullable=True))
        op.create_foreign_key('fk_smtp_account_stand_in_id', 'smtp_account', 'smtp_account', ['stand_in_id'], ['id'])
    op.add_column('smtp_account', sa.Column('failing_since', MOMENT, nullable=True))
    op.add_column('smtp_account', sa.Column('stood_in_since', MOMENT, nullable=True))
    op.add_column('campaign', sa.Column('stand_in_id', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('campaign', 'stand_in_id')
    op.drop_column('smtp_account', 'stood_in_since')
    op.drop_column('smtp_account', 'failing_since')
    if op.get_bind().dialect.name != 'sqlite':
        op.drop_constraint('fk_smtp_account_stand_in_id', 'smtp_account', type_='foreignkey')
    op.drop_column('smtp_account', 'stand_in_id')
